# Copyright (c) 2026, the pg_cmig developers

# DDL passes cmig.ddl_policy neither by a table that inherits from an excluded one, nor by statements
# that a migrator stores as those of an expansion.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('ddl_inherited', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_mig;
SELECT cmig.grant_access('regress_mig', 'migrator');
CREATE SCHEMA m AUTHORIZATION regress_mig;
CREATE SCHEMA other AUTHORIZATION regress_mig;
SET ROLE regress_mig;
CREATE FUNCTION m.job_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE m.job_base (id int CONSTRAINT job_check CHECK (id > 0), n int);
CREATE TABLE m.child () INHERITS (m.job_base);
CREATE TABLE m.job_part (id int NOT NULL, n int) PARTITION BY RANGE (id);
CREATE TABLE m.leaf PARTITION OF m.job_part FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE other.deep PARTITION OF m.leaf FOR VALUES FROM (0) TO (10);
CREATE INDEX job_index ON m.job_part (n);
CREATE TRIGGER job_trigger AFTER INSERT ON m.job_part FOR EACH ROW EXECUTE FUNCTION m.job_f();
CREATE TABLE m.job_own (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
CREATE TABLE m.job_own_1 PARTITION OF m.job_own FOR VALUES FROM (0) TO (10);
CREATE INDEX named_otherwise ON m.job_own (n);
CREATE TRIGGER any_name AFTER INSERT ON m.job_own FOR EACH ROW EXECUTE FUNCTION m.job_f();
CREATE TABLE m.job_sub (id int NOT NULL, n int) PARTITION BY RANGE (id);
CREATE TABLE m.sub_leaf PARTITION OF m.job_sub FOR VALUES FROM (20) TO (30);
CREATE TABLE m.t (id int PRIMARY KEY);
});
query($node, 'postgres', q{GRANT CREATE ON DATABASE postgres TO regress_mig;
SELECT cmig.create_revision('a', upgrade_sql => 'ALTER TABLE m.t ADD COLUMN a int', revision => '001', expand => true)});

sub denied
{
	my ($sql, $object) = @_;
	my ($status, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET ROLE regress_mig;\n$sql", on_error_stop => 1);
	like($err, qr/ERROR:  MG022: .*\n(?:.*\n)*?DETAIL: .* was rejected for \Q$object\E, which also concerns table m\.\w+, because/, $sql);
	return;
}

# what is not excluded is changed by a statement that names a table that is
$node->safe_psql('postgres', q{SELECT cmig.set_ddl_policy('deny', exclude => '{m.job_*}')});
denied('ALTER TABLE m.job_base ADD COLUMN x int', 'table m.job_base');
denied('ALTER TABLE m.job_base DROP CONSTRAINT job_check', 'table m.job_base');
denied('ALTER TABLE m.job_base RENAME n TO x', 'table column m.job_base.x');
denied('ALTER TABLE m.job_base RENAME CONSTRAINT job_check TO job_x', 'table constraint job_x on m.job_base');
denied('ALTER TABLE m.job_part ALTER n SET NOT NULL', 'table m.job_part');
denied('ALTER TABLE m.job_part OWNER TO regress_mig, DROP COLUMN n', 'table m.job_part');
denied('ALTER TABLE m.job_part DISABLE TRIGGER job_trigger', 'table m.job_part');
denied('CREATE INDEX job_i ON m.job_part (id)', 'index m.job_i');
denied('CREATE TRIGGER job_t AFTER INSERT ON m.job_part FOR EACH ROW EXECUTE FUNCTION m.job_f()', 'trigger job_t on m.job_part');
denied('ALTER TRIGGER job_trigger ON m.job_part RENAME TO job_t', 'trigger job_t on m.job_part');
denied('ALTER TABLE m.job_own ATTACH PARTITION m.job_sub FOR VALUES FROM (20) TO (30)', 'table m.job_own');
denied('DROP INDEX m.job_index', 'index m.job_index');
denied('DROP TRIGGER job_trigger ON m.job_part', 'trigger job_trigger on m.job_part');
denied('DROP TABLE m.job_part', 'table m.job_part');
denied('DROP TABLE m.job_own, m.job_sub', 'table m.job_own');

# what only concerns excluded tables is not
$node->safe_psql('postgres', $_) for map { "SET ROLE regress_mig; $_" } (
	'ALTER TABLE m.job_part OWNER TO regress_mig', 'ALTER TABLE m.job_base SET (fillfactor = 90), ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE ONLY m.job_base ALTER n SET DEFAULT 1', 'CREATE INDEX job_only ON ONLY m.job_part (id)',
	'CREATE TRIGGER job_statement AFTER INSERT ON m.job_part EXECUTE FUNCTION m.job_f()', 'ALTER TRIGGER job_statement ON m.job_part RENAME TO job_statement_2',
	'CREATE TRIGGER job_row AFTER INSERT ON m.job_base FOR EACH ROW EXECUTE FUNCTION m.job_f()', 'ALTER TRIGGER job_row ON m.job_base RENAME TO job_row_2',
	'ALTER TABLE m.job_own ADD COLUMN x int; CREATE INDEX job_own_x ON m.job_own (x); ALTER TABLE m.job_own RENAME x TO y',
	'DROP INDEX m.named_otherwise', 'DROP TRIGGER any_name ON m.job_own', 'ALTER TABLE m.job_own DROP COLUMN n',
	'CREATE INDEX named_otherwise ON m.job_own (y); CREATE TRIGGER any_name AFTER INSERT ON m.job_own FOR EACH ROW EXECUTE FUNCTION m.job_f()',
	'DROP TABLE m.job_own');
is(query($node, 'postgres', 'SELECT count(*) FROM cmig.ddl_log'), '0', 'nothing was recorded');

# with "log", the statement has one row, whatever it changes beside its object
$node->safe_psql('postgres', q{SELECT cmig.set_ddl_policy('log', exclude => '{}')});
$node->safe_psql('postgres', 'SET ROLE regress_mig; ALTER TABLE m.job_base ADD COLUMN x int; DROP INDEX m.job_index; DROP TRIGGER job_trigger ON m.job_part; DROP TABLE m.job_part');
is(query($node, 'postgres', q{SELECT string_agg(command || ' ' || object, E'\n' ORDER BY at) FROM cmig.ddl_log}),
	"ALTER TABLE m.job_base\nDROP INDEX m.job_index\nDROP TRIGGER job_trigger on m.job_part\nDROP TABLE m.job_part", 'each change is recorded once');

# statements of an expansion that a migrator stores do not run, for the migrator neither
$node->safe_psql('postgres', q{SELECT cmig.set_ddl_policy('deny')});
my $steps = q{INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES
	('', 1, 'prepare', 'm.t', 'ALTER TABLE m.t ADD COLUMN b int'), ('', 2, 'abandon', 'm.t', 'ALTER TABLE m.t ADD COLUMN c int');};
my $sum = q{(SELECT md5(string_agg(format('%s %s %s %s', position, phase, relation, statement), chr(10) ORDER BY position)) FROM cmig.expansion_step)};
fails_with($node, 'postgres', "SET ROLE regress_mig; BEGIN; $steps INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns, checksum) SELECT '', '001', '{001}', '{m}', '[]', $sum || '-' || md5(format('%s %s %s', revision, upgrade_sql, verify_sql)) FROM cmig.revision",
	'42501', 'permission denied for table expansion_run', 'a migrator stores no checksum');
$node->safe_psql('postgres', "SET ROLE regress_mig; $steps INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns) VALUES ('', '001', '{001}', '{m}', '[]')");
fails_with($node, 'postgres', "SET ROLE regress_mig; UPDATE cmig.expansion_run SET checksum = $sum", '42501', 'permission denied for table expansion_run', 'nor changes it');
fails_with($node, 'postgres', "SET SESSION AUTHORIZATION regress_mig; CALL cmig.$_", '55000', 'the stored statements of the expansion of revision "001" were changed', $_)
	for ("expand('001')", 'abandon()');
is(query($node, 'postgres', q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'm.t'::regclass AND attnum > 0}), '1', 'nothing has run');
is(query($node, 'postgres', q{SELECT count(*) FROM cmig.journal}), '0', 'and nothing says so');

# those of cmig.expand do
$node->safe_psql('postgres', 'DELETE FROM cmig.expansion_run; DELETE FROM cmig.expansion_step');
$node->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_mig; CALL cmig.expand('001')");
is(query($node, 'postgres', "SELECT split_part(checksum, '-', 1) = $sum FROM cmig.expansion_run"), 't', 'the checksum is that of the rows');
$node->safe_psql('postgres', 'SET SESSION AUTHORIZATION regress_mig; CALL cmig.contract()');
is(query($node, 'postgres', q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'm.t'::regclass AND attnum > 0 AND NOT attisdropped}), 'id a', 'expanded and contracted');

$node->stop;
done_testing();
