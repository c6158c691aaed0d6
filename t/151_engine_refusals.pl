# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: what an upgrade refuses is found by the verbs that look
# at pending revisions, too, an upgrade judges hazards as lint does, and hints name what can be
# typed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_refusals');

# help needs the engine alone
{
	local $ENV{PGPORT} = 1;
	gives(0, '^CALL cmig.backfill\(target regclass', '^$', 'help', 'backfill');
	gives(3, '', '^ERROR:  pg_cmig has no function, table, or setting "backfil"\n', 'help', 'backfil');
}
# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

write_revision('001', '', '', 'CREATE TABLE item (id int PRIMARY KEY, a int, owner text); INSERT INTO item SELECT i FROM generate_series(1, 3000) i;', 'DROP TABLE item;');
my $no_limit = "no lock_timeout is set: [^\n]*\nHINT:  To set a limit: cmig upgrade -x cmig.lock_timeout=5s, or, for all runs:\n +in cmig.conf: lock_timeout = 5s\n";
gives(0, 'at 001', "^${no_limit}upgrade base -> 001\n\$", 'upgrade', '-y');
append_to_file('cmig.conf', "lock_timeout = 5s\n");

my $calls = 'calls cmig\.%s, which requires the extension in the database';
for my $case (
	[ sprintf($calls, 'enable_audit'), q{SELECT cmig.enable_audit('item')} ],
	[ sprintf($calls, 'enable_rls with require_context'), q{SELECT cmig.enable_rls('item', user_column => 'owner', roles => '{public}', require_context => true)} ],
	[ sprintf($calls, 'disable_rls'), q{DO $$BEGIN PERFORM cmig.disable_rls('item'); END$$} ],
	[ sprintf($calls, 'backfill without where_sql, or with max_lag'), q{CALL cmig.backfill('item', 'a = id')}, 1 ],
	[ sprintf($calls, 'backfill without where_sql, or with max_lag'), q{CALL cmig.backfill('item', 'a = id', where_sql => NULL)}, 1 ],
	[ sprintf($calls, 'backfill without where_sql, or with max_lag'), q{CALL cmig.backfill('item', 'a = id', 'a IS NULL', max_lag => '1s')}, 1 ],
	[ 'calls the procedure cmig\.add_not_null as a function', q{SELECT cmig.add_not_null('item', 'id')}, 1 ],
	[ '', q{SELECT cmig.enable_rls('item', user_column => 'owner', roles => '{public}', require_context => false, force => false)} ],
	[ '', q{SELECT * FROM cmig.enable_rls('item', user_column => 'owner', roles => '{public}', force => false)} ],
	[ '', q{CALL cmig.backfill('item', 'a = id', 'a IS NULL')}, 1 ])
{
	my ($error, $sql, $not_transactional) = @$case;

	# lines are wrapped
	$error =~ s/ /\\s+/g;

	write_revision('002', '001', $not_transactional ? "-- transactional: false\n" : '', "SELECT 1;\n$sql;", 'SELECT 1;');
	if ($error)
	{
		gives(1, "^error +002: its upgrade script\\s+cannot\\s+run: statement 2,\\s+line \\d+\\s+of\\s+file\\s+\"migrations/002.sql\"\\s+$error", '^$', 'check');
		gives(1, "002 .*error:\\s+the\\s+statement $error\\s+\\(requires-extension\\)", '^$', 'lint');
		gives(0, "HAZARD:\\s+the\\s+statement $error", '', 'plan');
		gives(1, "0A000:\\s+revision\\s+\"002\"\\s+$error", '', 'upgrade', '--dry-run');
		gives(3, '^$', "^ERROR:  revision \"002\" $error\n.*pg_cmig: upgrade of 002, statement 2, line \\d+ of file", 'upgrade');
	}
	else { gives(0, '^(?!.*requires-extension)', '^$', 'lint'); }
}
write_revision('002', '001', "-- transactional: false\n", q{CALL cmig.backfill('item', 'a = id', 'a IS NULL', max_lag => '1s');}, 'SELECT 1;');
gives(3, '^$', 'HINT:  Call it without max_lag, and with where_sql', 'upgrade', '-y');
gives(1, "^== check ==\nerror +002: its upgrade.*cmig\\.enable_audit", '', 'check', '--ci')
  if (write_revision('002', '001', '', q{SELECT cmig.enable_audit('item');}, 'SELECT 1;'));
gives(3, '^$', 'write what cmig audit-script <table> prints into the revision', 'upgrade', '-y');
my (undef, $script) = cmig('audit-script', 'item');
like($script, qr/^-- Audit without pg_cmig.*SET cmig_audit\.target = 'public\.item'/s, 'audit-script prints it');
gives(3, '^$', 'relation "nothing" does not exist', 'audit-script', 'nothing');
write_revision('002', '001', '', $script, 'DROP SCHEMA cmig_audit CASCADE;');
gives(0, 'at 002', '', 'upgrade', '-y');
gives(0, 'no drift', '^$', 'drift');
gives(0, 'at 001', '', 'downgrade', '-1', '-y');
write_revision('002', '001', '', q{SELECT cmig.enable_audit('item');}, 'SELECT 1;');
# what has run with the extension is no error
gives(0, 'at 002', '', 'stamp', '002');
gives(0, '^(?!.*enable_audit)', '', 'check');
gives(0, 'at 001', '', 'stamp', '001');

# the hazards are those that lint finds with the sizes of the tables
write_revision('002', '001', '', "CREATE INDEX item_a ON item (a);\nUPDATE item SET a = id;", 'DROP INDEX item_a;');
gives(0, 'at 002', "^upgrade 001 -> 002\n\$", 'upgrade');
write_revision('003', '002', '', 'ALTER TABLE item DROP a;', 'ALTER TABLE item ADD a int;');
gives(5, '^$', '^HAZARD:  003: DROP COLUMN a deletes data of item \(about 3000 rows, \d+ kB,', 'upgrade');
gives(0, 'ALTER TABLE', '', 'dry-run');

# hints of what only psql runs
write_revision('003', '002', '', "CREATE TYPE mood AS ENUM ('good');", 'DROP TYPE mood;');
gives(0, 'at 003', '', 'upgrade');
write_revision('004', '003', '', "ALTER TYPE mood ADD VALUE 'bad';\nCREATE TABLE day (mood mood DEFAULT 'bad');", 'DROP TABLE day;');
gives(3, '^$', 'unsafe use of new value.*\nHINT:  Use the value in a later revision, and cmig upgrade --stepwise, which commits after each revision\.\n', 'upgrade', '-y');
gives(3, '^$', 'HINT:  .* To go down: cmig script downgrade 003:001\n', 'upgrade', '003:001', '--sql');
write_revision('004', '003', '', 'UPDATE item SET a = 1;', '');
gives(0, 'UPDATE', '^(?!.*dead rows)', 'upgrade', '--dry-run');

# the place of a statement is that in the file
my $line = 1 + (() = (split /CREATE TABLE/, slurp_file('migrations/001.sql'))[0] =~ /\n/g);
my (undef, $path) = cmig('squash', '001:002', '-m', 'joined');
chomp $path;
like(slurp_file($path), qr/INSERT of revision 001, line $line of file "migrations\/001\.sql", may change rows/, 'squash');
unlink $path;
# a revision whose file has another name gets no second one
rename 'migrations/003.sql', 'migrations/other.sql' or die;
gives(0, '^$', '', 'export', '--to', 'migrations');
gives(0, '^other/003', '', 'export', '003', '--to', 'other');
ok(!glob('migrations/003*'), 'no second file');
# an empty revision that is written after it ran
write_revision('004', '003', '', '', '');
gives(0, 'at 004', '', 'upgrade', '-y');
write_revision('004', '003', '', 'CREATE TABLE late ();', 'DROP TABLE late;');
gives(3, '^$', 'It was empty when it ran\. .*: cmig downgrade -1, in the shell with --no-load', 'upgrade', '-y');
gives(0, 'at 003', '', 'downgrade', '-1', '-y', '--no-load');
gives(0, 'at 004', '', 'upgrade', '-y');
# status names all revisions that need a stepwise run
write_revision($_->[0], $_->[1], "-- transactional: false\n", 'SELECT 1;', 'SELECT 1;') for [ '005', '004' ], [ '006', '005' ];
gives(0, 'not transactional +005, 006\n', '', 'status');

close $users;
done_testing();
