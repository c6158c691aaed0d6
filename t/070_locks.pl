# Copyright (c) 2026, the pg_cmig developers

# The locks that cmig.dry_run and cmig.plan report are those that another session
# sees in pg_locks when psql runs the same statement.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('locks', 'autovacuum = off', 'max_parallel_maintenance_workers = 0', 'wal_level = logical');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA app;
CREATE SCHEMA attic;
CREATE TYPE mood AS ENUM ('fine', 'sad');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE account (id int PRIMARY KEY, email varchar(100) UNIQUE, n int, m mood, p positive, c text CHECK (c <> ''), k int NOT NULL);
CREATE INDEX account_n ON account (n);
ALTER TABLE account ADD CONSTRAINT n_positive CHECK (n > 0) NOT VALID;
INSERT INTO account SELECT i, 'x' || i, i, 'fine', i, 'c', i FROM generate_series(1, 100) i;
CREATE TABLE invoice (id int PRIMARY KEY, account int REFERENCES account, late int, note text,
	serial_number serial, ident int GENERATED ALWAYS AS IDENTITY);
ALTER TABLE invoice ADD CONSTRAINT late_key FOREIGN KEY (late) REFERENCES account NOT VALID;
CREATE TABLE line (id int PRIMARY KEY, invoice int REFERENCES invoice ON DELETE CASCADE);
CREATE TABLE plain (id int, what text);
CREATE UNIQUE INDEX plain_id ON plain (id);
CREATE VIEW names AS SELECT id, email FROM account;
CREATE VIEW names_of_names AS SELECT id FROM names;
CREATE MATERIALIZED VIEW totals AS SELECT id, count(*) AS n FROM account GROUP BY id;
CREATE UNIQUE INDEX totals_id ON totals (id);
CREATE SEQUENCE counter;
CREATE TABLE parent (id int, a text);
CREATE TABLE child (b text) INHERITS (parent);
CREATE TABLE grandparent (id serial PRIMARY KEY);
CREATE TABLE ancestor (id int);
CREATE TABLE event (at int, what text) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (100);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (100) TO (200);
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE INDEX event_at ON event (at);
CREATE TABLE lonely (at int, what text) PARTITION BY LIST (at);
CREATE TABLE loose (at int, what text);
CREATE INDEX loose_at ON loose (at);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION double(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE INDEX plain_double ON plain (double(id));
CREATE TRIGGER touch BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION touch();
CREATE RULE quiet AS ON DELETE TO plain DO INSTEAD NOTHING;
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON account USING (id > 0);
CREATE STATISTICS account_stats ON id, n FROM account;
CREATE PUBLICATION published FOR TABLE ancestor;
CREATE ROLE other_owner;
GRANT ALL ON SCHEMA public TO other_owner;
CREATE TABLE app.thing (id serial PRIMARY KEY, account int REFERENCES account);
SQL

my $runner = $node->background_psql('postgres', on_error_stop => 0);
my $watcher = $node->background_psql('postgres');
my $own = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $runner->query_safe('SELECT pg_backend_pid()');
chomp $pid;
$_->query_safe("SET client_min_messages = error") foreach ($own, $runner);

my $modes = join ' ', map { "WHEN '$_->[0]' THEN $_->[1]" } (
	[ AccessShareLock => 1 ], [ RowShareLock => 2 ], [ RowExclusiveLock => 3 ],
	[ ShareUpdateExclusiveLock => 4 ], [ ShareLock => 5 ], [ ShareRowExclusiveLock => 6 ],
	[ ExclusiveLock => 7 ], [ AccessExclusiveLock => 8 ]);
my $seen = <<"SQL";
SELECT coalesce(string_agg((ARRAY['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE',
	'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'])[mode] || ' on ' || name, '; ' ORDER BY mode DESC, name COLLATE "C"), 'none')
FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name, max(CASE l.mode $modes END) AS mode, min(c.relkind::text) AS kind
	FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE l.pid = $pid AND l.granted AND l.locktype = 'relation' AND c.oid >= 16384
	AND n.nspname NOT IN ('pg_toast', 'cmig') AND c.relkind <> 'c' GROUP BY 1) s
WHERE mode >= 4 OR kind NOT IN ('i', 'I')
SQL

# The locks of a statement that psql runs, as another session sees them.
sub locks_seen
{
	my ($sql) = @_;
	my $locks;

	$runner->query_safe('BEGIN');
	eval { $runner->query_safe($sql); 1 } or diag("$sql: $@");
	$locks = $watcher->query_safe($seen);
	$runner->query_safe('ROLLBACK');
	return $locks;
}

# What one of our functions reports for the same statement.
sub locks_told
{
	my ($sql, $function) = @_;

	$own->query_safe("DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', \$cmig\$$sql\$cmig\$)");
	my $told = $own->query_safe("SELECT coalesce(string_agg(regexp_replace(line, ', [^,]*(\$)', '\\1'), '; ' ORDER BY ordinality), 'none')"
		  . " FROM (SELECT locks FROM $function) f, string_to_table(locks, E'\\n') WITH ORDINALITY line");
	# views and sequences have no size
	return $told;
}

foreach my $sql (split /\n/, <<'SQL')
CREATE TABLE new_table (id int)
CREATE TABLE new_table (id int REFERENCES account)
CREATE TABLE new_table (id int, account int, FOREIGN KEY (account) REFERENCES account (id), i int REFERENCES invoice)
CREATE TABLE new_table (LIKE account INCLUDING ALL)
CREATE TABLE new_table () INHERITS (parent)
CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM (200) TO (300)
CREATE TABLE lonely_1 PARTITION OF lonely FOR VALUES IN (1)
CREATE TABLE new_table AS SELECT * FROM names_of_names
SELECT id INTO new_table FROM account
CREATE UNLOGGED TABLE new_table (id bigserial PRIMARY KEY)
CREATE VIEW new_view AS SELECT names.* FROM names JOIN invoice ON invoice.id = names.id
CREATE OR REPLACE VIEW names AS SELECT id, email, n FROM account
CREATE MATERIALIZED VIEW new_view AS SELECT id FROM names
CREATE INDEX ON account (c)
CREATE UNIQUE INDEX new_index ON plain (id)
CREATE INDEX ON event (what)
CREATE INDEX ON ONLY event (what)
CREATE SEQUENCE new_sequence OWNED BY plain.id
CREATE TRIGGER new_trigger BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION touch()
CREATE CONSTRAINT TRIGGER new_trigger AFTER INSERT ON account DEFERRABLE FOR EACH ROW EXECUTE FUNCTION touch()
CREATE RULE new_rule AS ON UPDATE TO plain DO NOTHING
CREATE POLICY new_policy ON account USING (true)
CREATE POLICY new_policy ON account USING (EXISTS (SELECT FROM invoice WHERE invoice.account = account.id))
CREATE STATISTICS new_statistics ON id, what FROM plain
CREATE PUBLICATION new_publication FOR TABLE account, ONLY parent
CREATE FUNCTION new_function() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE TYPE new_type AS (a int)
CREATE SCHEMA new_schema
ALTER TABLE account ADD x int
ALTER TABLE account ADD x int DEFAULT 1 NOT NULL
ALTER TABLE account ADD x uuid DEFAULT gen_random_uuid()
ALTER TABLE account ADD x int REFERENCES invoice
ALTER TABLE account ADD x serial
ALTER TABLE account DROP c
ALTER TABLE account DROP n
ALTER TABLE invoice DROP account
ALTER TABLE account DROP email CASCADE
ALTER TABLE account ALTER c SET DEFAULT 'x'
ALTER TABLE account ALTER c DROP DEFAULT
ALTER TABLE account ALTER n SET NOT NULL
ALTER TABLE account ALTER k DROP NOT NULL
ALTER TABLE plain ALTER what TYPE varchar(10)
ALTER TABLE account ALTER n TYPE bigint
ALTER TABLE invoice ALTER note TYPE varchar
ALTER TABLE invoice ALTER account TYPE bigint
ALTER TABLE account ALTER k TYPE bigint USING k::bigint
ALTER TABLE account ALTER c SET STATISTICS 10
ALTER TABLE account ALTER c SET STORAGE EXTERNAL
ALTER TABLE account ALTER c SET (n_distinct = 5)
ALTER TABLE account ADD CHECK (n > 1) NOT VALID
ALTER TABLE account ADD CHECK (k > 0)
ALTER TABLE account VALIDATE CONSTRAINT n_positive
ALTER TABLE account ADD UNIQUE (n)
ALTER TABLE plain ADD CONSTRAINT plain_pk UNIQUE USING INDEX plain_id
ALTER TABLE plain ADD FOREIGN KEY (id) REFERENCES account
ALTER TABLE plain ADD FOREIGN KEY (id) REFERENCES account NOT VALID
ALTER TABLE invoice VALIDATE CONSTRAINT late_key
ALTER TABLE invoice DROP CONSTRAINT late_key
ALTER TABLE account DROP CONSTRAINT n_positive
ALTER TABLE account DROP CONSTRAINT account_email_key
ALTER TABLE account DROP CONSTRAINT account_pkey CASCADE
ALTER TABLE account DISABLE TRIGGER touch
ALTER TABLE account ENABLE TRIGGER USER
ALTER TABLE account DISABLE ROW LEVEL SECURITY
ALTER TABLE account FORCE ROW LEVEL SECURITY
ALTER TABLE account SET (fillfactor = 50)
ALTER TABLE account SET (autovacuum_enabled = off)
ALTER TABLE account CLUSTER ON account_pkey
ALTER TABLE account REPLICA IDENTITY FULL
ALTER TABLE grandparent SET UNLOGGED
ALTER TABLE account REPLICA IDENTITY USING INDEX account_pkey
ALTER TABLE invoice OWNER TO other_owner
ALTER TABLE invoice SET SCHEMA attic
ALTER TABLE account RENAME TO konto
ALTER TABLE account RENAME n TO number
ALTER TABLE account RENAME CONSTRAINT n_positive TO positive_n
ALTER TABLE parent RENAME a TO z
ALTER TABLE parent ADD x int
ALTER TABLE ONLY parent ALTER a SET DEFAULT ''
ALTER TABLE plain INHERIT ancestor
ALTER TABLE child NO INHERIT parent
ALTER TABLE event ADD x int
ALTER TABLE event DROP what
ALTER TABLE event ATTACH PARTITION loose FOR VALUES FROM (300) TO (400)
ALTER TABLE lonely ATTACH PARTITION loose FOR VALUES IN (1)
ALTER TABLE event DETACH PARTITION event_1
ALTER TABLE event ADD FOREIGN KEY (at) REFERENCES account
ALTER INDEX account_n RENAME TO account_number
ALTER INDEX account_n SET (fillfactor = 50)
ALTER VIEW names RENAME TO names2
ALTER VIEW names SET (security_barrier)
ALTER SEQUENCE counter RESTART
ALTER SEQUENCE counter OWNED BY plain.id
ALTER SEQUENCE counter RENAME TO counter2
ALTER TYPE mood ADD VALUE 'glad'
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'
ALTER DOMAIN positive ADD CHECK (VALUE < 1000)
ALTER DOMAIN positive SET NOT NULL
ALTER POLICY mine ON account USING (id > 1)
ALTER TRIGGER touch ON account RENAME TO touched
ALTER PUBLICATION published ADD TABLE account
ALTER PUBLICATION published DROP TABLE ancestor
ALTER STATISTICS account_stats SET STATISTICS 100
ALTER FUNCTION touch() RENAME TO touched
DROP TABLE plain
DROP TABLE line
DROP TABLE invoice CASCADE
DROP TABLE account CASCADE
DROP TABLE IF EXISTS nothing_there
DROP TABLE event_1
DROP TABLE event
DROP TABLE parent CASCADE
DROP INDEX account_n
DROP INDEX event_at
DROP VIEW names_of_names
DROP VIEW names CASCADE
DROP MATERIALIZED VIEW totals
DROP SEQUENCE counter
DROP TYPE mood CASCADE
DROP DOMAIN positive CASCADE
DROP FUNCTION double(int) CASCADE
DROP FUNCTION touch() CASCADE
DROP TRIGGER touch ON account
DROP RULE quiet ON plain
DROP POLICY mine ON account
DROP STATISTICS account_stats
DROP PUBLICATION published
DROP SCHEMA app CASCADE
TRUNCATE plain
TRUNCATE invoice RESTART IDENTITY CASCADE
TRUNCATE event
COMMENT ON TABLE account IS 'x'
COMMENT ON COLUMN account.n IS 'x'
COMMENT ON CONSTRAINT n_positive ON account IS 'x'
COMMENT ON INDEX account_n IS 'x'
COMMENT ON FUNCTION touch() IS 'x'
GRANT SELECT ON account TO other_owner
GRANT SELECT ON ALL TABLES IN SCHEMA public TO other_owner
REVOKE ALL ON account FROM PUBLIC
ANALYZE account
ANALYZE event
REINDEX TABLE account
REINDEX INDEX account_n
CLUSTER account USING account_pkey
REFRESH MATERIALIZED VIEW totals
REFRESH MATERIALIZED VIEW CONCURRENTLY totals
LOCK TABLE account IN SHARE MODE
LOCK TABLE names
LOCK TABLE ONLY event
INSERT INTO plain SELECT id FROM names
INSERT INTO invoice (id, account) VALUES (1, 1)
UPDATE plain SET what = 'x'
UPDATE account SET n = 1 WHERE id IN (SELECT id FROM invoice)
UPDATE event SET what = ''
DELETE FROM plain WHERE id = 1
DELETE FROM line
WITH x AS (SELECT * FROM plain) SELECT * FROM x, child
SELECT * FROM account FOR UPDATE
MERGE INTO loose p USING account a ON a.id = p.at WHEN MATCHED THEN UPDATE SET what = 'x'
SET search_path = app, public
SQL
{
	my $expected = locks_seen($sql);

	is(locks_told($sql, 'cmig.dry_run()'), $expected, "dry_run: $sql");
	is(locks_told($sql, 'cmig.plan()'), $expected, "plan: $sql");
}

$_->quit foreach ($runner, $watcher, $own);
$node->stop;
done_testing();
