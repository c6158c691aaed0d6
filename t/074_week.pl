# Copyright (c) 2026, the pg_cmig developers

# Simulates a team's week: an existing database is adopted; the models change;
# revisions are generated, reviewed, loaded, and run; somebody changes production by
# hand, and the change is adopted; old revisions are squashed; and the database is
# dumped and restored.  All of this is done by a database owner who is not a superuser.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('week');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN');

my $folder = PostgreSQL::Test::Utils::tempdir();

sub new_db
{
	my ($db) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER owner");
	query($node, $db, 'CREATE EXTENSION pg_cmig', 'owner');
}

sub dump_of
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err) or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump;
}

# write_file(FILE, DATABASE, SQL): writes the output of the SQL to a file, and returns it
sub write_file
{
	my ($name, $db, $sql) = @_;

	append_to_file("$folder/$name", query($node, $db, $sql, 'owner') . "\n");
	return slurp_file("$folder/$name");
}

# deploy(DATABASE): loads the folder, as a pipeline does, and upgrades
sub deploy
{
	my ($db) = @_;

	load_files($node, $db, 'owner', sort glob("$folder/*.sql"));
	$node->psql($db, "SET client_min_messages = warning; CALL cmig.upgrade_stepwise('heads')", on_error_die => 1, extra_params => [ '-U', 'owner' ]);
}

sub quoted
{
	return '$models$' . $_[0] . '$models$';
}

# Monday: adopt production, which was managed by hand
new_db('production');
my $models = <<'END';
CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE invoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customer, total numeric(10, 2));
END
query($node, 'production', "$models INSERT INTO customer (email) SELECT i || '\@example.com' FROM generate_series(1, 100) i;"
	  . ' INSERT INTO invoice (customer_id, total) SELECT id, id FROM customer', 'owner');
write_file('001.sql', 'production', "SELECT content FROM cmig.baseline('Taken over', '001')");
query($node, 'production', 'SELECT cmig.require_schema(' . quoted($models) . ')', 'owner');
new_db('ci');
deploy('ci');
is(dump_of('ci'), dump_of('production'), 'a new database has the schema that was taken over');

# Tuesday: the models change
$models =~ s/total numeric\(10, 2\)/total numeric(12, 2) NOT NULL, note text/;
$models .= "CREATE INDEX ON invoice (customer_id);\n";
fails_with($node, 'ci', 'SELECT cmig.require_schema(' . quoted($models) . ", source => 'replay')", 'MG010', 'differs from the target', 'CI stops a change without a revision', 'owner');
my $file = write_file('002.sql', 'ci', "SELECT content FROM cmig.autogenerate('Notes', " . quoted($models) . ", '002', concurrently => true)");
like($file, qr/-- transactional: false\n.*-- cmig:upgrade\n.*CONCURRENTLY.*-- cmig:downgrade\n/s, 'a file to review');
query($node, 'ci', "SELECT count(*) FROM cmig.load(\$f\$$file\$f\$)", 'owner');
query($node, 'ci', 'SELECT cmig.require_schema(' . quoted($models) . ", source => 'replay')", 'owner');
deploy($_) foreach 'ci', 'production';
is(dump_of('production'), dump_of('ci'), 'production and CI are the same');
is(query($node, 'production', 'SELECT count(*), sum(total) FROM invoice'), '100|5050.00', 'the rows are there');

# Wednesday: a change is made by hand in a hurry
query($node, 'production', "ALTER TABLE customer ADD blocked boolean NOT NULL DEFAULT false; CREATE INDEX hurry ON customer (blocked) WHERE blocked", 'owner');
is(query($node, 'production', 'SELECT object FROM cmig.drift() ORDER BY step', 'owner'), "public.hurry\npublic.customer.blocked", 'drift is found');
write_file('003.sql', 'production', "SELECT content FROM cmig.capture('Blocked customers', '003', store => true)");
is(query($node, 'production', 'SELECT count(*) FROM cmig.drift()', 'owner'), '0', 'and adopted');
deploy($_) foreach 'ci', 'production';
is(dump_of('ci'), dump_of('production'), 'CI has it too');
$models =~ s/UNIQUE\)/UNIQUE, blocked boolean NOT NULL DEFAULT false)/;
$models .= "CREATE INDEX hurry ON customer (blocked) WHERE blocked;\n";
query($node, 'ci', 'SELECT cmig.require_schema(' . quoted($models) . ')', 'owner');

# Thursday: several files are squashed into one
my $squashed = query($node, 'ci', "SELECT content FROM cmig.squash('base:003', 'The first week', 'week1')", 'owner');
unlink glob("$folder/*.sql");
append_to_file("$folder/week1.sql", "$squashed\n");
my $before = dump_of('production');
deploy($_) foreach 'ci', 'production';
is(dump_of('production'), $before, 'nothing runs in production');
is(query($node, $_, 'SELECT string_agg(revision, $$ $$) FROM cmig.version'), 'week1', "$_ is at the new revision") foreach 'ci', 'production';
query($node, 'production', 'SELECT * FROM cmig.load($f$' . slurp_file("$folder/week1.sql") . '$f$, prune => true)', 'owner');
is(query($node, 'production', 'SELECT string_agg(revision, $$ $$) FROM cmig.revision'), 'week1', 'the old revisions are gone');
new_db('fresh');
deploy('fresh');
is(join("\n", sort split /\n/, dump_of('fresh') =~ s/,$//mgr), join("\n", sort split /\n/, $before =~ s/,$//mgr), 'a new database has the same schema');

# Friday: a restore, and the next change
my ($out, $err);
IPC::Run::run([ 'pg_dump', '-Fc', '-f', "$folder/production.dump", '-d', $node->connstr('production') ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER owner');
IPC::Run::run([ 'pg_restore', '-d', $node->connstr('restored'), "$folder/production.dump" ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
is(query($node, 'restored', 'SELECT count(*) FROM cmig.drift()'), '0', 'no drift after the restore');
is(query($node, 'restored', "SELECT count(*) FROM cmig.check() WHERE severity = 'error'"), '0', 'nothing is wrong');
$models .= "COMMENT ON TABLE customer IS 'Who pays';\n";
my $next = query($node, 'restored', "SELECT content FROM cmig.autogenerate('Comment', " . quoted($models) . ", '004')");
like($next, qr/down_revision: week1\n.*cmig:upgrade\nCOMMENT ON TABLE public.customer IS 'Who pays';\n\n-- cmig:downgrade\nCOMMENT ON TABLE public.customer IS NULL;/s,
	'the next change');
append_to_file("$folder/004.sql", "$next\n");
deploy($_) foreach 'production', 'fresh';
query($node, $_, 'SELECT cmig.require_schema(' . quoted($models) . ')', 'owner') foreach 'production', 'fresh';

$node->stop;
done_testing();
