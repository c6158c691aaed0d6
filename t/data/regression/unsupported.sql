-- Drops what cmig.diff does not support, with all that depends on it, and prints how
-- much that is.
SET client_min_messages = error;
CREATE TEMP TABLE before AS SELECT count(*) AS n FROM pg_depend WHERE objid >= 16384;
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT format('%s.%s', n.nspname::regnamespace, quote_ident(t.typname)) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE t.oid >= 16384 AND t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) LOOP
		EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', name);
	END LOOP;
	FOR name IN SELECT o.oid::regoperator FROM pg_operator o WHERE o.oid >= 16384 AND oprcode = 0 LOOP
		EXECUTE format('DROP OPERATOR IF EXISTS %s CASCADE', name);
	END LOOP;
	FOR name IN SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() LOOP
		EXECUTE format('DROP SUBSCRIPTION %I', name);
	END LOOP;
END $$;
SELECT format('left out: %s of %s dependencies', b.n - count(*), b.n) FROM before b, pg_depend WHERE objid >= 16384 GROUP BY b.n;
