"""`python -m connector`: the same as the installed `connector` command."""

from connector.cli import main

if __name__ == "__main__":
    main()
