-- Drops what cmig.diff does not support, with all that depends on it, and prints how
-- much that is.
SET client_min_messages = error;
CREATE TEMP TABLE before AS SELECT count(*) AS n FROM pg_depend WHERE objid >= 16384;
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT DISTINCT pg_partition_root(i.indexrelid)::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relkind = 'I' AND NOT i.indisvalid LOOP
		EXECUTE format('DROP INDEX %s CASCADE', name);
	END LOOP;
	FOR name IN SELECT o.oid::regoperator FROM pg_operator o WHERE o.oid >= 16384 AND oprcode = 0 LOOP
		EXECUTE format('DROP OPERATOR IF EXISTS %s CASCADE', name);
	END LOOP;
	FOR name IN SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() LOOP
		EXECUTE format('DROP SUBSCRIPTION %I', name);
	END LOOP;
END $$;
SELECT format('left out: %s of %s dependencies', b.n - count(*), b.n) FROM before b, pg_depend WHERE objid >= 16384 GROUP BY b.n;
