--
-- cmig.load_directory: the files of a directory on the server
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
-- relative paths start at the data directory
COPY (SELECT 1) TO PROGRAM 'mkdir -p cmig_regress/nested.sql && cat > /dev/null';
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; cd cmig_regress; printf "\357\273\277-- revision: 001\r\n-- cmig:upgrade\r\nSELECT 1;\r\n" > 001.sql; printf -- "-- revision: 002\n-- down_revision: 001\n-- message: sch\303\266n\n" > 002.sql; printf "not SQL" > README.md; printf "x" > .hidden.sql';

SELECT * FROM cmig.load_directory('cmig_regress');
SELECT * FROM cmig.load_directory('cmig_regress/');
SELECT revision, down_revision, message, upgrade_sql FROM cmig.revision ORDER BY 1;

-- errors name the file
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; printf -- "-- revision: 003\n-- message: a\377b\n" > cmig_regress/003.sql';
SELECT * FROM cmig.load_directory('cmig_regress');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; printf -- "-- revision: 003\n-- message: a\000b\n" > cmig_regress/003.sql';
SELECT * FROM cmig.load_directory('cmig_regress');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; printf "" > cmig_regress/003.sql';
\set VERBOSITY sqlstate
SELECT * FROM cmig.load_directory('cmig_regress');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; printf -- "-- revision: 003\n-- mesage: x\n" > cmig_regress/003.sql';
SELECT * FROM cmig.load_directory('cmig_regress');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; printf -- "-- revision: 001\n" > cmig_regress/003.sql';
SELECT * FROM cmig.load_directory('cmig_regress');
\set VERBOSITY default
SELECT * FROM cmig.load_directory('cmig_regress/nested.sql');
SELECT * FROM cmig.load_directory('cmig_regress/nowhere');
SELECT * FROM cmig.load_directory(NULL);

-- longer than any path
SELECT * FROM cmig.load_directory(repeat('x', 5000));

-- prune: a file that no longer exists
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm cmig_regress/003.sql cmig_regress/002.sql';
SELECT * FROM cmig.load_directory('cmig_regress', prune => true);

-- a path that is too long is not an internal error
DO $$ BEGIN PERFORM cmig.load_directory(repeat('x', 300)); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLSTATE ~ '^58'; END $$;

-- it requires the privilege to read the server's files
\set ECHO none
CREATE ROLE regress_loader;
GRANT USAGE ON SCHEMA cmig TO regress_loader;
GRANT EXECUTE ON FUNCTION cmig.load_directory TO regress_loader;
GRANT SELECT ON cmig.revision, cmig.version, cmig.scope_version, cmig.journal TO regress_loader;
SET ROLE regress_loader;
\set ECHO all
SELECT * FROM cmig.load_directory('cmig_regress');
RESET ROLE;
GRANT pg_read_server_files TO regress_loader;
SET ROLE regress_loader;
SELECT * FROM cmig.load_directory('cmig_regress');
\set ECHO none
RESET ROLE;

DROP OWNED BY regress_loader;
DROP ROLE regress_loader;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm -r cmig_regress';
DROP EXTENSION pg_cmig;
