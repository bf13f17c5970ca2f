-- What we did and saw. Times are ISO 8601 text in UTC; days are ISO dates; JSON carries typed values (change_json.py).

CREATE TABLE runs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    org            TEXT NOT NULL,
    job            TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    policy         TEXT NOT NULL,
    dry_run        INTEGER NOT NULL,
    as_of          TEXT,
    started        TEXT NOT NULL,
    finished       TEXT,
    status         TEXT NOT NULL,
    exit_code      INTEGER,
    report         TEXT,
    process        TEXT NOT NULL,
    token          INTEGER
);

CREATE TABLE changes (
    run           INTEGER NOT NULL REFERENCES runs (id),
    id            TEXT NOT NULL,
    position      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    model         TEXT NOT NULL,
    sobject       TEXT NOT NULL,
    record        TEXT,
    subject       TEXT NOT NULL,
    subject_name  TEXT NOT NULL,
    "before"      TEXT NOT NULL,
    "after"       TEXT NOT NULL,
    because       TEXT NOT NULL,
    key_field     TEXT NOT NULL,
    guards        TEXT NOT NULL,
    depends_on    TEXT NOT NULL,
    from_stage    TEXT NOT NULL,
    to_stage      TEXT NOT NULL,
    owner         TEXT NOT NULL,
    money         TEXT,
    status        TEXT NOT NULL,
    code          TEXT NOT NULL DEFAULT '',
    message       TEXT NOT NULL DEFAULT '',
    outcome_record TEXT,
    sent          TEXT,
    settled       TEXT,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;

CREATE INDEX changes_by_subject ON changes (subject, run);
CREATE INDEX changes_created ON changes (id) WHERE record IS NULL AND status IN ('applied', 'exists');
CREATE INDEX changes_unsettled ON changes (run) WHERE status IN ('sent', 'unknown');

CREATE TABLE api_calls (
    run   INTEGER NOT NULL REFERENCES runs (id),
    kind  TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (run, kind)
) WITHOUT ROWID;

-- One writer per org. The token grows with every change of hands and never comes back: a writer that was presumed
-- dead is told by it.
CREATE TABLE leases (
    org     TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    process TEXT NOT NULL,
    token   INTEGER NOT NULL,
    ttl     INTEGER NOT NULL,
    until   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE ticks (
    job     TEXT NOT NULL,
    tick    TEXT NOT NULL,
    claimed TEXT NOT NULL,
    PRIMARY KEY (job, tick)
) WITHOUT ROWID;

-- A fact is stored on the days on which its value differs from the day before: a value holds until the next row.
CREATE TABLE facts (
    model   TEXT NOT NULL,
    subject TEXT NOT NULL,
    fact    TEXT NOT NULL,
    day     TEXT NOT NULL,
    value   TEXT,
    PRIMARY KEY (model, subject, fact, day)
) WITHOUT ROWID;

CREATE INDEX facts_by_day ON facts (model, day);
