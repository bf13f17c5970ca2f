"""Step 2: the mapping, compiled once into SQL, judges every subject in the mirror; Python decides the candidates."""
