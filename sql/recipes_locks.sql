-- Which locks each statement of an online recipe takes, and whether it reads the
-- table.  A statement that reads rows must not block writers, and one that blocks
-- writers must not read rows.
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE users (id int PRIMARY KEY, email text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int, code text);
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 100) i;
INSERT INTO orders SELECT i, 1 + i % 100, 'c' || i FROM generate_series(1, 1000) i;

CREATE TABLE step (id int GENERATED ALWAYS AS IDENTITY, call timestamptz DEFAULT statement_timestamp(), xid xid8, tag text, locks text, read_users int8, read_orders int8);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.step (xid, tag, locks, read_users, read_orders)
	SELECT pg_current_xact_id(), tg_tag,
		(SELECT string_agg(name || ' ' || mode, ', ' ORDER BY name) FROM (
			SELECT DISTINCT ON (relation) relation::regclass::text AS name, mode FROM pg_locks
			WHERE pid = pg_backend_pid() AND relation IN ('users'::regclass, 'orders'::regclass) AND mode <> 'AccessShareLock'
			ORDER BY relation, array_position('{AccessExclusiveLock,ExclusiveLock,ShareRowExclusiveLock,ShareLock,ShareUpdateExclusiveLock,RowExclusiveLock,RowShareLock}', mode)) l),
		pg_stat_get_xact_tuples_returned('users'::regclass), pg_stat_get_xact_tuples_returned('orders'::regclass);
	PERFORM pg_stat_force_next_flush();
END $$;
CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION note();
CREATE VIEW steps AS SELECT dense_rank() OVER (ORDER BY xid) AS transaction, tag, locks,
	read_users - lag(read_users, 1, 0::int8) OVER w > 0 AS reads_users, read_orders - lag(read_orders, 1, 0::int8) OVER w > 0 AS reads_orders
	FROM step WINDOW w AS (PARTITION BY call ORDER BY id) ORDER BY id;
-- what was read so far is counted and reset; a CALL that the trigger notes does this at its end, too
CREATE PROCEDURE forget() LANGUAGE sql AS $$ TRUNCATE step; SELECT pg_stat_force_next_flush() $$;

CALL forget();
CALL cmig.add_not_null('users', 'email');
\set ECHO all
SELECT * FROM steps;
CALL forget();
CALL cmig.add_check('orders', 'orders_code_short', 'length(code) < 100');
SELECT * FROM steps;
CALL forget();
CALL cmig.add_foreign_key('orders', 'user_id', 'users');
SELECT * FROM steps;
CALL forget();
CALL cmig.add_unique('orders', 'code');
SELECT * FROM steps;
CALL forget();

-- everything exists: nothing is done
CALL cmig.add_not_null('users', 'email');
CALL cmig.add_check('orders', 'orders_code_short', 'length(code) < 100');
CALL cmig.add_foreign_key('orders', 'user_id', 'users');
CALL cmig.add_unique('orders', 'code');
SELECT * FROM steps;

-- started before: what already exists is not done again
\set ECHO none
ALTER TABLE users ALTER email DROP NOT NULL, ADD CONSTRAINT cmig_email_not_null CHECK (email IS NOT NULL) NOT VALID;
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey, ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE orders DROP CONSTRAINT orders_code_key;
CREATE UNIQUE INDEX orders_code_key ON orders (code);
\set ECHO all
CALL forget();
CALL cmig.add_not_null('users', 'email');
CALL cmig.add_foreign_key('orders', 'user_id', 'users');
CALL cmig.add_unique('orders', 'code');
SELECT tag, locks, reads_users, reads_orders FROM steps;

\set ECHO none
DROP EVENT TRIGGER note;
DROP VIEW steps;
DROP FUNCTION note;
DROP PROCEDURE forget;
DROP TABLE step, orders, users;
DROP EXTENSION pg_cmig;
