-- Keys of partitioned tables that change: both builds write, and the result is that of an upgrade.
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_partitions;
SET client_min_messages = warning;

SELECT * FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE customer (id int PRIMARY KEY);
CREATE TABLE orders (id serial, day date NOT NULL, number int, customer int REFERENCES customer ON DELETE CASCADE, note text,
	PRIMARY KEY (id, day), UNIQUE (number, day) DEFERRABLE) PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM ('2022-01-01') TO ('2023-01-01') PARTITION BY RANGE (day);
CREATE TABLE orders_3 PARTITION OF orders_2 DEFAULT;
CREATE UNIQUE INDEX noted ON orders (note DESC, number, day);
CREATE TABLE item (id int PRIMARY KEY, order_id int, day date, FOREIGN KEY (order_id, day) REFERENCES orders);
CREATE TABLE event (id int, day date) PARTITION BY LIST (day);
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: bigint
-- expand: true
-- cmig:upgrade
ALTER TABLE orders ALTER id TYPE bigint, ALTER number TYPE bigint, ALTER customer TYPE bigint;
ALTER TABLE customer ALTER id TYPE bigint;
ALTER TABLE item ALTER order_id TYPE bigint;
-- cmig:downgrade
$c$);
\set ECHO all
SELECT revision FROM cmig.upgrade('001');
-- partitions that no revision creates, as most have
\set ECHO none
CREATE TABLE orders_4 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE orders_5 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE orders_6 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO customer SELECT generate_series(1, 9);
INSERT INTO orders (day, number, customer) SELECT '2021-06-01'::date + (g % 2) * 365, g, g FROM generate_series(1, 6) g;
INSERT INTO item SELECT id, id, day FROM orders WHERE id < 3;
CREATE VIEW before AS SELECT conrelid::regclass AS table, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT indrelid::regclass, indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text ~ '^orders';
CREATE TABLE remembered AS TABLE before;
\set ECHO all

CALL cmig.expand(confirm => true);
CALL cmig.abandon();
(TABLE before EXCEPT TABLE remembered) UNION ALL (TABLE remembered EXCEPT TABLE before);

CALL cmig.expand(confirm => true);
SELECT indrelid::regclass AS table, indexrelid::regclass AS index, indisvalid AS valid FROM pg_index WHERE indexrelid::regclass::text ~ '^cmig_new_.*(key|noted|idx)$' ORDER BY 1, 2;
-- partitions come and go
\set ECHO none
CREATE TABLE orders_7 PARTITION OF orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE orders_8 (LIKE orders INCLUDING DEFAULTS);
ALTER TABLE orders ATTACH PARTITION orders_8 FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
CALL cmig.expand('042');
ALTER TABLE orders DETACH PARTITION orders_5;
DROP TABLE orders_5;
ALTER TABLE orders DETACH PARTITION orders_6;
-- both builds write
SET search_path = public_042, public;
INSERT INTO customer VALUES (10);
\set ECHO all
INSERT INTO orders (day, number, customer) VALUES ('2021-06-01', 7, 10) RETURNING *;
INSERT INTO public.orders (day, number, customer) VALUES ('2022-06-01', 8, 10) RETURNING id, number, customer, cmig_new_id, cmig_new_number, cmig_new_customer;
INSERT INTO orders (day, number, customer) VALUES ('2027-06-01', 9, 1), ('2028-06-01', 10, 1) RETURNING *;
INSERT INTO public.orders (day, number, customer) VALUES ('2027-06-02', 9, 1), ('2028-06-02', 10, 1) RETURNING cmig_new_id, day, cmig_new_number;
INSERT INTO orders (id, day, number) VALUES (1, '2022-06-01', 1) ON CONFLICT (id, day) DO UPDATE SET note = 'by new' RETURNING *;
INSERT INTO public.orders (id, day, number) VALUES (2, '2021-06-01', 1) ON CONFLICT (id, day) DO UPDATE SET note = 'by old' RETURNING note;
-- which of two keys is checked first depends on OIDs
\set VERBOSITY sqlstate
INSERT INTO orders (id, day, number) VALUES (1, '2022-06-01', 1);
INSERT INTO public.orders (id, day, number) VALUES (1, '2022-06-01', 2);
INSERT INTO orders (day, number) VALUES ('2022-06-01', 8);
INSERT INTO orders (day, customer) VALUES ('2022-06-01', 99);
INSERT INTO item (id, day, order_id) VALUES (9, '2022-06-01', 99);
DELETE FROM orders WHERE id = 1;
\set ECHO none
INSERT INTO item (id, day, order_id) SELECT 10, day, id FROM orders WHERE number = 7;
INSERT INTO public.item (id, day, order_id) SELECT 11, day, id FROM public.orders WHERE number = 8;
-- a row moves to another partition
UPDATE orders SET day = '2021-07-07', note = 'moved' WHERE number = 5;
UPDATE public.orders SET day = '2022-07-07' WHERE number = 3;
\set ECHO all
-- one that names the state is no such row
INSERT INTO public.orders (id, day, number, cmig_state) VALUES (50, '2021-08-08', 51, NULL) RETURNING cmig_new_id, cmig_new_number, cmig_state;
DELETE FROM public.customer WHERE id = 4;
SELECT id, cmig_new_id, number, cmig_new_number, customer, cmig_new_customer, note, tableoid::regclass FROM public.orders ORDER BY id;
SELECT * FROM item ORDER BY id;
RESET search_path;

\set VERBOSITY default
-- a table that is no partition any more refers to the key of the old version
CALL cmig.contract();
DROP TABLE orders_6;
CALL cmig.contract();
\d orders
\d orders_3
\d orders_4
\d orders_8
SELECT object FROM cmig.drift() WHERE object !~ 'orders_[4-8]|before|remembered|noted_' ORDER BY 1;
SELECT conname, contype, condeferrable, conislocal, coninhcount, conparentid <> 0 AS inherited, convalidated
	FROM pg_constraint WHERE conrelid IN ('orders'::regclass, 'orders_2'::regclass, 'orders_3'::regclass) AND contype <> 'n' ORDER BY conrelid, conname;
INSERT INTO orders (day, number, customer) VALUES ('2022-06-01', 5000000000, 1) RETURNING id > 10 AS next;
INSERT INTO orders (id, day) SELECT id, day FROM orders WHERE number = 5000000000;
INSERT INTO orders (day, customer) VALUES ('2022-06-01', 99);
INSERT INTO item (id, day, order_id) VALUES (12, '2022-06-01', 99);
\set VERBOSITY sqlstate
DELETE FROM customer WHERE id = 1;
\set ECHO none
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO orders (day, number) VALUES ('2022-06-01', 5);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
\set ECHO all
-- the same foreign key again; a partition that is detached keeps it
SELECT cmig.create_revision('customer', 'ALTER TABLE orders ALTER customer TYPE int; ALTER TABLE event ALTER id TYPE bigint', revision => '043', expand => true);
-- a partition that no revision creates has a key of its own
CREATE TABLE event_1 PARTITION OF event DEFAULT PARTITION BY HASH (id);
CALL cmig.expand();
DROP TABLE event_1;
CALL cmig.expand();
ALTER TABLE orders DETACH PARTITION orders_8;
CREATE TABLE orders_9 PARTITION OF orders DEFAULT;
CALL cmig.contract();
SELECT conrelid::regclass AS table, conname FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ 'orders' ORDER BY 1, 2;
SELECT count(*) FROM pg_constraint WHERE conrelid = 'item'::regclass AND conname ~ 'cmig';
\set VERBOSITY default
-- the keys are those that PostgreSQL makes
ALTER TABLE orders_3 DROP CONSTRAINT orders_3_pkey;
ALTER TABLE item DROP CONSTRAINT item_order_id_day_fkey;
ALTER TABLE orders DETACH PARTITION orders_1;
ALTER TABLE orders DROP CONSTRAINT orders_pkey, DROP CONSTRAINT orders_customer_fkey, DROP CONSTRAINT orders_number_day_key;
SELECT conrelid::regclass AS table, conname FROM pg_constraint WHERE conrelid::regclass::text ~ '^orders(_1)?$' AND contype IN ('p', 'u', 'f') ORDER BY 1, 2;

-- a unique index becomes a key in a revision only, where no event trigger has to see it
\set ECHO none
CREATE TABLE hand (id int, k int NOT NULL, t text) PARTITION BY LIST (k);
CREATE TABLE hand_1 PARTITION OF hand FOR VALUES IN (1);
CREATE UNIQUE INDEX hand_key ON hand (id, k);
CREATE UNIQUE INDEX hand_down ON hand (id DESC, k);
CREATE INDEX hand_plain ON hand (k);
CREATE UNIQUE INDEX hand_part ON hand (id, k) WHERE k > 0;
INSERT INTO hand VALUES (1, 1);
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_partitions', 'migrator');
SELECT cmig.expansion_key('hand_key', 'UNIQUE');
\set ECHO none
CREATE FUNCTION try(index text, kind text, rest text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$BEGIN
	PERFORM cmig.create_revision('key', format('SELECT cmig.expansion_key(%L::regclass, %L) %s', index, kind, rest), revision => format('key_%s', length(kind)));
	PERFORM * FROM cmig.upgrade('head');
	RETURN 'a key';
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END$$;
SET cmig.role = 'regress_partitions';
\set ECHO all
SELECT try('hand_key', 'UNIQUE');
RESET cmig.role;
SELECT kind, try('hand_key', kind) FROM unnest(ARRAY['PRIMARY KEY', 'P', 'U', 'Q INITIALLY DEFERRED', 'UNIQUE DEFERRED', 'UNIQUE INITIALLY DEFERRED', '']) kind;
SELECT index, try(index, 'UNIQUE') FROM unnest(ARRAY['hand_down', 'hand_plain', 'hand_part', 'hand', 'customer_pkey']) index;
SELECT try('hand_key', 'UNIQUE', 'FROM hand_1');
SELECT try('hand_key', 'UNIQUE DEFERRABLE INITIALLY DEFERRED');
SELECT try('hand_key', 'UNIQUE');
\d hand_1

-- an expansion is a revision, also for cmig.ddl_policy
SELECT cmig.create_revision('deny', 'ALTER TABLE event ALTER id TYPE numeric', revision => 'deny', expand => true);
SELECT cmig.set_ddl_policy('deny');
CALL cmig.expand('deny', confirm => true);
CALL cmig.contract();
\set VERBOSITY sqlstate
ALTER TABLE event ALTER id TYPE int;
\set VERBOSITY default
SELECT cmig.set_ddl_policy(NULL);

\set ECHO none
DROP VIEW before;
DROP FUNCTION try;
DROP TABLE orders, orders_1, orders_8, customer, item, event, hand, remembered CASCADE;
DROP EXTENSION pg_cmig CASCADE;
DROP OWNED BY regress_partitions;
DROP ROLE regress_partitions;
