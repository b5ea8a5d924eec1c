"""The ledger's second migration: what people need who look through a film's defects together and mend by hand.

`defects` is the list that is browsed: one row a repair or held defect with its present status, kept by triggers, so that whoever writes a
decision need not know of it. All else is only added to; what a row of `defects`, `claims` or `protections.live` says now follows from that.
"""

SECOND = """
ALTER TABLE repairs ADD COLUMN replaces INTEGER REFERENCES repairs;  -- the first version of what this one mends otherwise
ALTER TABLE repairs ADD COLUMN held INTEGER REFERENCES held;         -- the held defect that it mends after all
CREATE INDEX repairs_by_held ON repairs (held) WHERE held IS NOT NULL;
CREATE INDEX repairs_by_first ON repairs (replaces) WHERE replaces IS NOT NULL;

ALTER TABLE actions ADD COLUMN undoes INTEGER REFERENCES actions;    -- the whole action that an undo or redo turns round
ALTER TABLE actions ADD COLUMN root INTEGER REFERENCES actions;      -- what a chain of undo and redo began with
CREATE INDEX actions_by_root ON actions (root) WHERE root IS NOT NULL;
CREATE INDEX actions_by_undone ON actions (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX actions_by_who ON actions (who, number);

CREATE TABLE reviews (                     -- a defect was looked at and left as it is; only ever added to
    number INTEGER PRIMARY KEY,
    action INTEGER NOT NULL REFERENCES actions,
    defect INTEGER NOT NULL REFERENCES defects,
    seen   INTEGER NOT NULL CHECK (seen IN (0, 1)),
    undoes INTEGER UNIQUE REFERENCES reviews
) STRICT;
CREATE INDEX reviews_by_defect ON reviews (defect, number);
CREATE INDEX reviews_by_action ON reviews (action);
CREATE TRIGGER reviews_stay BEFORE UPDATE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are only added'); END;
CREATE TRIGGER reviews_last BEFORE DELETE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are only added'); END;

CREATE TABLE defects (
    number   INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    repair   INTEGER UNIQUE REFERENCES repairs,  -- NULL: held without a fill
    held     INTEGER UNIQUE REFERENCES held,
    frame    INTEGER NOT NULL,
    shot     INTEGER,
    kind     TEXT NOT NULL,
    polarity TEXT NOT NULL,
    engine   TEXT,
    confidence REAL NOT NULL,
    area     INTEGER NOT NULL,             -- of its box, pixels
    painted  INTEGER NOT NULL,             -- made by a person
    status   TEXT NOT NULL,
    reviewed INTEGER NOT NULL DEFAULT 0,   -- a decision or review of it stands
    aside    INTEGER NOT NULL DEFAULT 0    -- another version of it is in force, or the person who made it took it back
) STRICT;
CREATE INDEX defects_by_frame ON defects (frame, number);
CREATE INDEX defects_by_shot ON defects (shot, status, reviewed);
CREATE INDEX defects_by_confidence ON defects (confidence);

CREATE TABLE protections (                 -- where a person lets nothing be altered
    number INTEGER PRIMARY KEY,
    action INTEGER NOT NULL REFERENCES actions,
    start  INTEGER NOT NULL,
    stop   INTEGER NOT NULL CHECK (stop > start),
    top    INTEGER NOT NULL, left INTEGER NOT NULL, bottom INTEGER NOT NULL, right INTEGER NOT NULL,
    mask   BLOB NOT NULL,                  -- the box's pixels, packed bits, zlib
    note   TEXT NOT NULL,
    live   INTEGER NOT NULL DEFAULT 1      -- 0: its action is undone
) STRICT;
CREATE INDEX protections_by_frame ON protections (start, stop);
CREATE INDEX protections_by_action ON protections (action);

CREATE TABLE protected (                   -- the repairs that a protection took back
    protection INTEGER NOT NULL REFERENCES protections,
    repair     INTEGER NOT NULL REFERENCES repairs,
    PRIMARY KEY (repair, protection)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (                      -- a shot that one seat works on
    shot  INTEGER PRIMARY KEY REFERENCES shots,
    seat  TEXT NOT NULL,
    who   TEXT NOT NULL,
    at    TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;

INSERT INTO defects (id, repair, frame, shot, kind, polarity, engine, confidence, area, painted, status, reviewed)
    SELECT r.id, r.number, r.frame, r.shot, r.kind, r.polarity, r.engine, r.confidence,
           (r.defect_bottom - r.defect_top) * (r.defect_right - r.defect_left), r.span IS NULL, r.status,
           EXISTS (SELECT 1 FROM decisions d WHERE d.repair = r.number AND d.undoes IS NULL
                   AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = d.number))
    FROM repair_states r ORDER BY r.frame, r.number;
INSERT INTO defects (id, held, frame, shot, kind, polarity, confidence, area, painted, status)
    SELECT h.id, h.number, h.frame, s.shot, h.kind, h.polarity, h.confidence, (h.bottom - h.top) * (h.right - h.left), 0, 'held'
    FROM held h JOIN spans s ON s.number = h.span ORDER BY h.frame, h.number;

DROP TRIGGER actions_stay;
UPDATE actions SET undoes =
    (SELECT MAX(o.action) FROM decisions u JOIN decisions o ON o.number = u.undoes WHERE u.action = actions.number)
    WHERE verb = 'undo' AND selection = '{}';
UPDATE actions SET root = undoes WHERE undoes IS NOT NULL;
CREATE TRIGGER actions_stay BEFORE UPDATE ON actions BEGIN SELECT RAISE(ABORT, 'actions are only added'); END;

DROP VIEW repair_states;
CREATE VIEW repair_states AS
    SELECT r.*, f.name AS file_name, d.shot AS shot, d.status AS status, d.painted AS painted, d.reviewed AS reviewed,
           d.aside AS aside, d.area AS area
    FROM repairs r JOIN patch_files f ON f.number = r.file JOIN defects d ON d.repair = r.number;

CREATE TRIGGER repairs_listed AFTER INSERT ON repairs BEGIN
    INSERT INTO defects (id, repair, frame, shot, kind, polarity, engine, confidence, area, painted, status, aside)
    VALUES (NEW.id, NEW.number, NEW.frame, (SELECT s.number FROM shots s WHERE s.start <= NEW.frame ORDER BY s.start DESC LIMIT 1),
            NEW.kind, NEW.polarity, NEW.engine, NEW.confidence,
            (NEW.defect_bottom - NEW.defect_top) * (NEW.defect_right - NEW.defect_left), NEW.span IS NULL, NEW.initial, NEW.span IS NULL);
END;

CREATE TRIGGER held_listed AFTER INSERT ON held BEGIN
    INSERT INTO defects (id, held, frame, shot, kind, polarity, confidence, area, painted, status)
    VALUES (NEW.id, NEW.number, NEW.frame, (SELECT s.shot FROM spans s WHERE s.number = NEW.span), NEW.kind, NEW.polarity, NEW.confidence,
            (NEW.bottom - NEW.top) * (NEW.right - NEW.left), 0, 'held');
END;

CREATE TRIGGER decisions_shown AFTER INSERT ON decisions BEGIN
    UPDATE defects SET status = NEW.after,
        reviewed = EXISTS (SELECT 1 FROM decisions d JOIN actions a ON a.number = d.action WHERE d.repair = NEW.repair AND a.verb <> 'undo'
                           AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = d.number))
                OR COALESCE((SELECT v.seen FROM reviews v WHERE v.defect = defects.number ORDER BY v.number DESC LIMIT 1), 0)
        WHERE repair = NEW.repair;
END;

CREATE TRIGGER reviews_shown AFTER INSERT ON reviews BEGIN
    UPDATE defects SET reviewed = NEW.seen
                OR EXISTS (SELECT 1 FROM decisions d JOIN actions a ON a.number = d.action
                           WHERE d.repair = defects.repair AND a.verb <> 'undo'
                           AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = d.number))
        WHERE number = NEW.defect;
END;
"""
