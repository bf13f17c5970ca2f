"""How fast the pull is, side by side with what else reads Salesforce, against one local org on the same machine.

Run it as `python tests/bench/bench_pull.py [accounts]` (100,000 take about two minutes, a million about twenty; they
bring three opportunities and ten tasks each). Prints figures and ratios, asserts nothing. Every reader runs in a
process of its own, so that its peak memory is its own:

    floor              curl of the Bulk result pages, then one bare DuckDB load of the files
    pull               connector.pull into an empty mirror, counted and committed
    simple-salesforce  query_all_iter, every record thrown away
    tap-salesforce     2.8.1 in a virtualenv of its own (never imported here), its output thrown away

The org renders a Bulk result once, when the job is made; that time is the org's, the same for the floor and for the
pull, and shown apart. The others read over REST and know no such wait.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import requests

FIELDS = {
    "Account": "Name OwnerId Type Industry AnnualRevenue NumberOfEmployees Phone Website BillingCity BillingCountry "
    "CreatedDate LastModifiedDate LastActivityDate",
    "Opportunity": "Name AccountId OwnerId StageName Amount CloseDate IsWon IsClosed Probability Type CreatedDate",
    "Task": "AccountId WhatId WhoId OwnerId Status Subject ActivityDate IsClosed CompletedDateTime Priority "
    "CreatedDate",
}
"""Beside Id, SystemModstamp and IsDeleted, which every reader asks for too; accounts come to 16 with them."""

CLIENT, SECRET = "local-client", "local-secret"
API = "/services/data/v66.0"
TAP = "tap-salesforce==2.8.1"
ROOT = Path(__file__).parents[2]
RUNS, MINUTE = int(os.environ.get("BENCH_RUNS", "3")), 60.0
Figures = dict[str, Any]


def say(text: str) -> None:
    """Print one line of the report at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- the readers, each in a process of its own ----------------------------------------------------------------


def read_floor(url: str, sobject: str, folder: Path) -> Figures:
    """The same pages by curl, the files loaded by nothing but DuckDB."""
    import duckdb

    token = log_in(url)
    head = {"Authorization": f"Bearer {token}"}
    names = ["Id", "SystemModstamp", "IsDeleted", *FIELDS[sobject].split()]
    body = {"operation": "queryAll", "query": f"SELECT {', '.join(names)} FROM {sobject}"}
    begun = time.perf_counter()
    job = requests.post(f"{url}{API}/jobs/query", json=body, headers=head, timeout=600).json()["id"]
    while requests.get(f"{url}{API}/jobs/query/{job}", headers=head, timeout=600).json()["state"] != "JobComplete":
        time.sleep(0.2)
    waited = time.perf_counter() - begun
    files, locator = [], ""
    while locator != "null":
        file, heads = folder / f"{len(files)}.csv.gz", folder / "heads"
        query = "?maxRecords=250000" + (f"&locator={locator}" if locator else "")
        subprocess.run(
            ["curl", "-s", "-o", file, "-D", heads, "-H", f"Authorization: Bearer {token}", "-H",
             "Accept-Encoding: gzip", f"{url}{API}/jobs/query/{job}/results{query}"], check=True,
        )  # fmt: skip
        found = dict(line.split(": ", 1) for line in heads.read_text().splitlines() if ": " in line)
        locator = {k.lower(): v for k, v in found.items()}["sforce-locator"]
        files.append(file)
    connection = duckdb.connect(str(folder / "floor.duckdb"))
    connection.execute("SET memory_limit = '1GB'")
    kinds = ", ".join(f"'{n}': '{kind_of(n)}'" for n in names)
    connection.execute(
        f"CREATE TABLE records AS SELECT * FROM read_csv({[str(f) for f in files]}, auto_detect = false, "
        f"header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', columns = {{{kinds}}})"
    )
    rows = connection.execute("SELECT count(*) FROM records").fetchone()
    connection.close()
    seconds = time.perf_counter() - begun
    size = sum(len_unpacked(f) for f in files)
    requests.delete(f"{url}{API}/jobs/query/{job}", headers=head, timeout=600)
    return {"rows": rows[0] if rows else 0, "waited": waited, "seconds": seconds, "bytes": size}


def kind_of(field: str) -> str:
    """The floor's column types, as the pull would choose them."""
    if field.startswith("Is"):
        return "BOOLEAN"
    if field.endswith(("Modstamp", "DateTime")) or field in {"CreatedDate", "LastModifiedDate"}:
        return "TIMESTAMP"
    if field in {"Amount", "AnnualRevenue", "Probability"}:
        return "DECIMAL(18,2)"
    return "DATE" if field.endswith("Date") else "BIGINT" if field.startswith("NumberOf") else "VARCHAR"


def len_unpacked(file: Path) -> int:
    """Bytes of CSV in a packed file."""
    with gzip.open(file) as pages:
        return sum(len(block) for block in iter(lambda: pages.read(1 << 20), b""))


def read_pull(url: str, sobject: str, folder: Path) -> Figures:
    """Our own pull into a mirror in a file; a second and third time for what changed and for nothing."""
    from connector.data import Needs
    from connector.pull import pull
    from connector.salesforce import connect
    from connector.settings import OrgSettings
    from connector.store.mirror import Mirror

    os.environ["NO_PROXY"] = "*"
    complete: list[float] = []

    def progress(text: str) -> None:
        if "JobComplete" in text:
            complete.append(time.perf_counter())

    org = OrgSettings(instance_url=url, client_id=CLIENT, client_secret=SECRET)  # type: ignore[arg-type]
    needs = Needs({sobject: frozenset(FIELDS[sobject].split())})
    begun = time.perf_counter()
    with Mirror.open(folder / "mirror.duckdb") as mirror:
        client = connect(org)
        result = pull(client, mirror, needs, overlap=timedelta(minutes=15), progress=progress)
        seconds = time.perf_counter() - begun
        if not result.complete:
            raise SystemExit(f"not complete: {result.objects}")
        rows = mirror.count(sobject)
    waited = complete[0] - begun if complete else 0.0
    return {"rows": rows, "waited": waited, "seconds": seconds, "calls": client.usage.total}


def read_simple(url: str, sobject: str, folder: Path) -> Figures:
    """simple-salesforce over REST, every record thrown away."""
    from simple_salesforce.api import Salesforce

    http = requests.Session()
    client = Salesforce(session_id=log_in(url), instance_url=url, session=http, version="66.0")
    client.base_url = f"{url}{API}/"
    client.sf_instance = url.removeprefix("http://")
    names = ", ".join(["Id", "SystemModstamp", "IsDeleted", *FIELDS[sobject].split()])
    begun, rows = time.perf_counter(), 0
    http.mount("https://", _Plain())
    for _ in client.query_all_iter(f"SELECT {names} FROM {sobject}", include_deleted=True):
        rows += 1
    return {"rows": rows, "waited": 0.0, "seconds": time.perf_counter() - begun}


class _Plain(requests.adapters.HTTPAdapter):
    """simple-salesforce follows pages by https only; the local org speaks http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **options)


SHIM = """
import os, requests
_prepare = requests.Session.prepare_request
def prepare(self, request):
    request.url = request.url.replace('https://login.salesforce.com', os.environ['SF_LOCAL'])
    return _prepare(self, request)
requests.Session.prepare_request = prepare
"""
"""tap-salesforce logs in at login.salesforce.com whatever it is told; nothing else of it is touched."""


def read_tap(url: str, sobject: str, folder: Path) -> Figures:
    """tap-salesforce over REST, as its own program."""
    program = install_tap()
    (folder / "sitecustomize.py").write_text(SHIM)
    refresh = requests.post(
        f"{url}/__local__/refresh-token", json={"client_id": CLIENT}, timeout=60
    ).json()["refresh_token"]  # fmt: skip
    config = {"client_id": CLIENT, "client_secret": SECRET, "refresh_token": refresh, "api_type": "REST",
              "start_date": "2000-01-01T00:00:00Z", "select_fields_by_default": True}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "SF_LOCAL": url, "PYTHONPATH": str(folder)}
    found = subprocess.run(
        [program, "--config", folder / "config.json", "--discover"], env=environment, check=True, capture_output=True
    )  # fmt: skip
    catalog = json.loads(found.stdout)
    catalog["streams"] = [s for s in catalog["streams"] if s["stream"] == sobject]
    wanted = {"Id", "SystemModstamp", "IsDeleted", *FIELDS[sobject].split()}
    for entry in catalog["streams"][0]["metadata"]:
        field = entry["breadcrumb"][-1:] or [""]
        entry["metadata"]["selected"] = not field[0] or field[0] in wanted
        if not field[0]:
            entry["metadata"] |= {"replication-method": "INCREMENTAL", "replication-key": "SystemModstamp"}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    begun = time.perf_counter()
    with subprocess.Popen(
        [program, "--config", folder / "config.json", "--properties", folder / "catalog.json"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as tap:  # fmt: skip
        rows = sum(1 for line in tap.stdout or () if b'"type": "RECORD"' in line[:80] or b'"RECORD"' in line)
    return {"rows": rows, "waited": 0.0, "seconds": time.perf_counter() - begun}


def install_tap() -> Path:
    """The tap's program in a virtualenv that outlives the run."""
    home = ROOT / ".bench" / "tap"
    program = home / "bin" / "tap-salesforce"
    if not program.exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", TAP], check=True)
    return program


def log_in(url: str) -> str:
    """An access token."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    return str(requests.post(f"{url}/services/oauth2/token", data=form, timeout=60).json()["access_token"])


READERS: dict[str, Callable[[str, str, Path], Figures]] = {
    "floor": read_floor, "pull": read_pull, "simple-salesforce": read_simple,
    "tap-salesforce": read_tap,
}  # fmt: skip


# --- side by side ---------------------------------------------------------------------------------------------


@contextmanager
def local_org(accounts: int, folder: Path) -> Iterator[str]:
    """A local org with so many accounts in a process of its own; its address."""
    state = ROOT / ".bench" / f"big-{accounts}.db"
    state.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "connector", "localorg", "--seed", "big", "--size", str(accounts)]
    with subprocess.Popen([*command, "--state", str(state)], stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            line = next(text for text in server.stdout or () if "instance URL" in text)
            yield line.split()[-1]
        finally:
            server.terminate()


def measure(reader: str, url: str, sobject: str, folder: Path) -> Figures:
    """One reader in a process of its own: what it says, with its peak memory and the API calls that the org counted."""
    folder.mkdir(exist_ok=True)
    urlopen(Request(f"{url}/__local__/ledger/clear", method="POST", data=b"{}"))
    said = subprocess.run(
        [sys.executable, __file__, "--reader", reader, url, sobject, str(folder)], capture_output=True, text=True
    )  # fmt: skip
    if said.returncode:
        say(f"{reader} failed: {said.stderr.strip().splitlines()[-1:]}")
        return {}
    figures: Figures = json.loads(said.stdout.splitlines()[-1])
    with urlopen(f"{url}/__local__/ledger") as ledger:
        figures["calls"] = json.load(ledger)["apiCalls"]
    return figures


def compare(url: str, sobject: str, folder: Path, readers: list[str]) -> None:
    """One object by every reader, as a table."""
    say(f"\n{sobject}: {3 + len(FIELDS[sobject].split())} fields")
    say(f"  {'':18}{'rows':>11}{'seconds':>9}{'of it job':>10}{'rows/s':>10}{'MB/s':>7}{'peak MB':>9}{'calls':>7}")
    found = {reader: best_of(reader, url, sobject, folder) for reader in readers}
    size = found.get("floor", {}).get("bytes", 0)
    for reader, figures in found.items():
        if figures:
            show(reader, figures, size)
    ours = found.get("pull")
    for reader, figures in found.items():
        if ours and figures and reader != "pull":
            say(f"  pull is {rate(ours) / rate(figures):.2f} times {reader}" + job_note(reader, ours, figures))


def best_of(reader: str, url: str, sobject: str, folder: Path) -> Figures:
    """The best of three runs of what takes seconds, the only run of what takes minutes; the last one's files stay."""
    runs: list[Figures] = []
    while not runs or (len(runs) < RUNS and runs[-1] and runs[-1]["seconds"] < MINUTE):
        shutil.rmtree(folder / f"{sobject}-{reader}", ignore_errors=True)
        runs.append(measure(reader, url, sobject, folder / f"{sobject}-{reader}"))
    return min(runs, key=lambda f: f["seconds"] - f["waited"] if f else float("inf"))


def rate(figures: Figures) -> float:
    """Rows a second, the org's own work on a Bulk job left out."""
    return float(figures["rows"] / (figures["seconds"] - figures["waited"]))


def job_note(reader: str, ours: Figures, figures: Figures) -> str:
    """The ratio with the org's work on the job in it."""
    whole = (ours["rows"] / ours["seconds"]) / (figures["rows"] / figures["seconds"])
    return f" ({whole:.2f} with the org's work on the job counted in)"


def show(reader: str, figures: Figures, size: int) -> None:
    """One line of the table."""
    seconds = figures["seconds"] - figures["waited"]
    say(
        f"  {reader:18}{figures['rows']:>11,}{figures['seconds']:>9.1f}{figures['waited']:>10.1f}"
        f"{figures['rows'] / seconds:>10,.0f}{size / 1e6 / seconds:>7.0f}{figures['peak']:>9.0f}{figures['calls']:>7}"
    )


def change(url: str, share: float) -> int:
    """Change some accounts over the API; how many."""
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {log_in(url)}"
    total = http.get(f"{url}{API}/query", params={"q": "SELECT COUNT() FROM Account"}, timeout=600).json()["totalSize"]
    wanted = int(total * share)
    page = http.get(f"{url}{API}/query", params={"q": f"SELECT Id FROM Account LIMIT {wanted}"}, timeout=600).json()
    ids = [record["Id"] for record in page["records"]]
    for start in range(0, len(ids), 200):
        records = [{"attributes": {"type": "Account"}, "id": i, "Industry": "Retail"} for i in ids[start : start + 200]]
        body = {"allOrNone": False, "records": records}
        http.patch(f"{url}{API}/composite/sobjects", json=body, timeout=600).raise_for_status()
    return len(ids)


def main() -> None:
    """Make the org, serve it, measure everybody."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("BENCH_ACCOUNTS", "100000"))
    with tempfile.TemporaryDirectory(prefix="bench-") as name, local_org(accounts, Path(name)) as url:
        folder = Path(name)
        compare(url, "Account", folder, ["floor", "pull", "simple-salesforce", "tap-salesforce"])
        for share, what in ((0.001, "0.1 % changed"), (0, "nothing changed")):
            changed = change(url, share) if share else 0
            if figures := measure("pull", url, "Account", folder / "Account-pull"):
                say(f"  {what}: {changed} records, {figures['seconds']:.2f} s, {figures['calls']} API calls")
        for sobject in ("Opportunity", "Task"):
            compare(url, sobject, folder, ["floor", "pull"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reader"]:
        told = READERS[sys.argv[2]](sys.argv[3], sys.argv[4], Path(sys.argv[5]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if sys.argv[2] == "tap-salesforce":
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        sys.stdout.write(json.dumps(told | {"peak": peak}) + "\n")
    else:
        main()
