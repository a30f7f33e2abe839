-- A ledger of version 2, with three entries and the hashes they were recorded with. Never changed.
CREATE TABLE ledger_version (version INTEGER PRIMARY KEY);
INSERT INTO ledger_version VALUES (2);
CREATE TABLE ledger_entries (
    number BIGINT PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    week TEXT NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO ledger_entries VALUES (1, '2026-11-20T15:00:00.000000+00:00', 'Ann', 'plan', '', 0, '', '0000000000000000000000000000000000000000000000000000000000000000', 'ed7cb0f1de7c8193be95503cd005a87b2b406baee4d034f3103dd2e7ed7f96b1', '{"fingerprint":"0","plan":{"budget":"1000.00","channels":[{"name":"抖音"},{"name":"百度"}],"currency":"CNY","name":"shop"}}');
INSERT INTO ledger_entries VALUES (2, '2026-11-20T15:00:00.000000+00:00', 'Ann', 'proposal', '2026-11-23', 1, '2026-11-23/1', 'ed7cb0f1de7c8193be95503cd005a87b2b406baee4d034f3103dd2e7ed7f96b1', '5cded24aa68f4cf8e83de50787c269a055cdcc111bba1aa6fed78c7128e55cef', '{"spend":{"抖音":"600.00","百度":"400.00"}}');
INSERT INTO ledger_entries VALUES (3, '2026-11-20T16:12:30.250000+00:00', 'Änn O''Neil', 'approval', '2026-11-23', 1, '', '5cded24aa68f4cf8e83de50787c269a055cdcc111bba1aa6fed78c7128e55cef', '65d5560610d4f4e44ee3072f34955bcbe00f7a5c6350f0b24fc1f41a133e3559', '{"why":"as proposed"}');
INSERT INTO ledger_head VALUES (1, 3, '65d5560610d4f4e44ee3072f34955bcbe00f7a5c6350f0b24fc1f41a133e3559');
CREATE INDEX ledger_by_week ON ledger_entries (week, kind, number);
CREATE INDEX ledger_by_kind ON ledger_entries (kind, number);
CREATE UNIQUE INDEX ledger_by_key ON ledger_entries (kind, key) WHERE key <> '';
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a ledger is never changed or deleted'; END $$;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head FOR EACH ROW WHEN (NEW.one <> 1 OR NEW.number <> OLD.number + 1) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
