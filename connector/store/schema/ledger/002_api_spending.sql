-- API calls of all jobs on an org by minute of the org's clock, of two days: what may be spent in 24 hours is shared.
CREATE TABLE api_spending (
    org    TEXT NOT NULL,
    minute TEXT NOT NULL,
    job    TEXT NOT NULL,
    calls  INTEGER NOT NULL,
    PRIMARY KEY (org, minute, job)
) WITHOUT ROWID;

-- What the org allowed in 24 hours when it was last heard: a run that has nothing left need not ask.
CREATE TABLE api_allowances (
    org     TEXT PRIMARY KEY,
    allowed INTEGER NOT NULL
) WITHOUT ROWID;
