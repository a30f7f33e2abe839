-- A ledger of version 1, with three entries and the hashes they were recorded with. Never changed.
PRAGMA page_size = 4096;
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1112502388;
PRAGMA user_version = 1;
CREATE TABLE ledger_entries (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    week TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
);
INSERT INTO ledger_entries VALUES (1, '2025-01-03T15:00:00.000000+00:00', 'Ann', 'plan', '', '0000000000000000000000000000000000000000000000000000000000000000', 'cd6a3a35f091cd0ee4c43ebad2b662015564bf586beee0e346790f6372961b80', '{"budget":"1000.00","currency":"CNY"}');
INSERT INTO ledger_entries VALUES (2, '2025-01-03T15:00:00.000000+00:00', 'Ann', 'proposal', '2025-01-06', 'cd6a3a35f091cd0ee4c43ebad2b662015564bf586beee0e346790f6372961b80', 'd848cf34fd25c6b0eb7c2f05d89f706febb27c99ebb7ce2e0ff29ca503536d4d', '{"spend":{"抖音":"600.00","百度":"400.00"}}');
INSERT INTO ledger_entries VALUES (3, '2025-01-03T16:12:30.250000+00:00', 'Änn O''Neil', 'approval', '2025-01-06', 'd848cf34fd25c6b0eb7c2f05d89f706febb27c99ebb7ce2e0ff29ca503536d4d', '36d78cb4e4c1528f2031310b6fb7b1bb988f19ba83e45c43d8a67b6d7d713869', '{"why":"as proposed"}');
