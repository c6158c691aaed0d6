# Copyright (c) 2026, the pg_cmig developers

# Moves a database to other servers, both with pg_upgrade and with pg_dump.  The
# database has revisions, a journal, audited and protected tables, an unfinished
# stepwise run, and an unfinished backfill.  On the other server, everything must be
# the same as before, and the run must be able to finish.
#
# By default, the other server has the same version.  PG_CMIG_OTHER_BINS can list the
# bin directories of newer servers that have pg_cmig, separated by colons in ascending
# order.  pg_upgrade is tested from each version to the next one, and a dump from this
# version to each of them.  scripts/check-upgrade sets the variable.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $own_bin;
my @others = split /:/, $ENV{PG_CMIG_OTHER_BINS} // '';

sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

# server(NAME, BIN): creates a cluster with the programs in BIN
sub server
{
	my ($name, $bin) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, defined $bin ? (install_path => dirname($bin)) : ());

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8', defined $bin && has_no_checksums($bin) ? '--no-data-checksums' : () ]);
	$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\njit = off\n");
	return $node;
}

# since version 18, initdb enables data checksums, and pg_upgrade requires the
# same setting in both clusters
sub has_no_checksums
{
	my ($bin) = @_;

	return `$bin/initdb --help` =~ /--no-data-checksums/;
}

# version(NODE): returns the server's version, as a number
sub version { return query($_[0], 'postgres', "SELECT current_setting('server_version_num')::int / 10000") }

my $node = server('old');
$node->start;
$own_bin = $node->config_data('--bindir');
$node->safe_psql('postgres', q{
CREATE ROLE app LOGIN;
CREATE ROLE reader LOGIN;
CREATE DATABASE shop;
ALTER DATABASE shop SET cmig.protect = 'base';
});
query($node, 'shop', q{CREATE EXTENSION pg_cmig;} . load_sql(
		revision_file('001', '', q{
CREATE TABLE gate (n int);
CREATE TABLE item (id int PRIMARY KEY, name text, n int);
INSERT INTO item SELECT g, 'name ' || g FROM generate_series(1, 3000) g;
CREATE TABLE heap (v int, m int);
INSERT INTO heap SELECT g FROM generate_series(1, 3000) g;
CREATE TABLE account (gone text, id int PRIMARY KEY, tenant_id text NOT NULL, owner text, card text, pin text);
ALTER TABLE account DROP gone;
GRANT SELECT, INSERT, UPDATE ON account TO app;}, 'DROP TABLE account, item, heap, gate;'),
		steps_file('002', '001', q{
CREATE INDEX CONCURRENTLY item_name ON item (name);
CALL cmig.backfill('heap', 'm = CASE WHEN v > 1200 THEN v / (SELECT count(*) FROM gate) ELSE v END', 'm IS NULL', 500);
CREATE UNIQUE INDEX CONCURRENTLY item_n ON item (n);}, 'DROP INDEX CONCURRENTLY item_n; UPDATE item SET n = NULL; UPDATE heap SET m = NULL; DROP INDEX CONCURRENTLY item_name;'),
		revision_file('003', '002', 'ALTER TABLE item ADD extra text;', 'ALTER TABLE item DROP extra;')) . q{
SELECT cmig.upgrade('001');
SELECT cmig.grant_access('reader', 'reader');
SELECT cmig.grant_access('app', 'application');
SELECT cmig.enable_rls('account', roles => '{app}');
SELECT cmig.enable_audit('account', redact => '{card}', hash => '{pin}');
INSERT INTO account VALUES (1, 'a', 'Ann', 'secret', 'secret'), (2, 'b', 'Bob', 'secret', 'secret');
UPDATE account SET owner = 'Anna' WHERE id = 1;
DELETE FROM account WHERE id = 2;
INSERT INTO account VALUES (3, 'b', 'Bea', 'secret', 'secret');});
fails_with($node, 'shop', 'CALL cmig.upgrade_stepwise()', '22012', 'division by zero', 'a stepwise run fails during a backfill by block');
my $by_key = q{CALL cmig.backfill('item', 'n = CASE WHEN id > 1200 THEN id / (SELECT count(*) FROM gate) ELSE id END', batch_size => 500)};
fails_with($node, 'shop', $by_key, '22012', 'division by zero', 'a backfill by key fails outside of a run');

# Returns the contents of the database.  pg_upgrade copies the key for hashes, but a
# dump does not contain it.
sub picture
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT r::text FROM cmig.revision r ORDER BY revision COLLATE "C";
SELECT * FROM cmig.version;
SELECT j::text FROM cmig.journal j ORDER BY id;
SELECT p::text FROM cmig.progress p ORDER BY statement;
SELECT to_jsonb(b) - 'target_id' FROM cmig.backfill_run b ORDER BY id;
SELECT item, value, hint FROM cmig.status() WHERE item NOT IN ('database', 'server', 'pg_cmig', 'version of pg_cmig');
SELECT severity, object, problem FROM cmig.check() ORDER BY 1, 2, 3;
SELECT l::text FROM cmig_audit.log l ORDER BY id;
SELECT l::text FROM cmig_audit.layout l ORDER BY 1;
SELECT target, table_id, level, operations, options, problem FROM cmig.audit_status() ORDER BY target;
SELECT a::text FROM cmig.audit_as_of(NULL::account, now()) a ORDER BY 1;
SELECT * FROM cmig.rls_status('public') ORDER BY 1;
SELECT polname, pg_get_expr(polqual, polrelid), obj_description(oid, 'pg_policy') FROM pg_policy ORDER BY 1;
SELECT severity, object, problem FROM cmig.rls_check('public') ORDER BY 1, 2, 3;
SELECT file_name, content FROM cmig.export() ORDER BY 1;
SELECT count(*), sum(n), count(n) FROM item;
SELECT count(*), sum(m), count(m) FROM heap;
SELECT a::text FROM account a ORDER BY id;
SELECT p.oid::regprocedure::text, proacl FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace AND proname IN ('current', 'upgrade', 'set_context') ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT has_table_privilege('reader', 'cmig.journal', 'SELECT'), has_table_privilege('reader', 'cmig.secret', 'SELECT')});
}

# same(DATABASE, WAS, NAME): tests that the contents are as before
sub same
{
	my ($db, $was, $name) = @_;
	my $is = picture($db);
	my %was = map { $_ => 1 } split /\n/, $was;
	my %is = map { $_ => 1 } split /\n/, $is;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($is eq $was, $name)
	  or diag(map { "$_\n" } (map { "- $_" } grep { !$is{$_} } sort keys %was), (map { "+ $_" } grep { !$was{$_} } sort keys %is));
}

# works(DATABASE, NAME): tests that the run can be completed, and that
# audit and policies work
sub works
{
	my ($db, $name) = @_;
	my $last = query($node, $db, 'SELECT max(id) FROM cmig_audit.log');

	fails_with($node, $db, 'CALL cmig.upgrade_stepwise()', '22012', 'division by zero', "$name: the run still fails where it failed");
	query($node, $db, qq{INSERT INTO gate VALUES (1); $by_key; CALL cmig.upgrade_stepwise()});
	is(query($node, $db, q{
SELECT revision FROM cmig.version;
SELECT count(*) FROM cmig.progress;
SELECT outcome, count(*) FROM cmig.journal WHERE outcome <> 'failed' GROUP BY 1;
SELECT state, rows FROM cmig.backfill_run ORDER BY id;
SELECT count(*) FROM item WHERE n = id;
SELECT count(*) FROM heap WHERE m = v;
SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname ~ '^item_n' ORDER BY 1}),
		"003\n0\ndone|3\ndone|3000\ndone|3000\n3000\n3000\nitem_n|t\nitem_name|t", "$name: the run continues to its end");
	is(query($node, $db, q{BEGIN; SELECT cmig.set_context('u', 'a'); SELECT owner FROM account; UPDATE account SET owner = 'Ada'; COMMIT}, 'app'),
		"\nAnna", "$name: policies apply");
	is(query($node, $db, qq{SELECT operation, role, tenant_id, old_row->>'owner', new_row->>'card', length(new_row->>'pin') > 20 FROM cmig_audit.log WHERE id > $last}),
		'UPDATE|app|a|Anna|[redacted]|t', "$name: changes are logged without hidden values");
	is(query($node, $db, q{SELECT count(*) FROM cmig_audit.log l WHERE l::text ~ 'secret'}), 0, "$name: no hidden value is in the log");
	is(query($node, $db, q{SELECT owner FROM cmig.audit_as_of(NULL::account, now(), 1)}), 'Ada', "$name: the log shows earlier rows");
	query($node, $db, q{CALL cmig.downgrade_stepwise('001'); CALL cmig.upgrade_stepwise()});
	is(query($node, $db, 'SELECT revision FROM cmig.version'), '003', "$name: downgrade and upgrade");
	is(query($node, $db, q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', "$name: check finds nothing");
}

my $was = picture('shop');
my $origin = $node;
my $origin_port = $node->port;

# Returns a dump made with the programs of the version into which it is restored.
my $dir = PostgreSQL::Test::Utils::tempdir();
my @dumps;
foreach my $bin ($own_bin, @others)
{
	my $file = "$dir/" . scalar(@dumps) . '.dump';

	command_ok([ "$bin/pg_dump", '-Fc', '-f', $file, '-d', $origin->connstr('shop') ], 'pg_dump of ' . basename(dirname($bin)));
	push @dumps, [ $bin, $file ];
}
$node->stop;
chdir $dir;

# pg_upgrade from each version to the next
my @upgraded;
my $from_bin = $own_bin;
foreach my $bin ($own_bin, @others)
{
	my $old = $node;
	$node = server('upgraded_' . scalar(@upgraded), $bin eq $own_bin ? undef : $bin);
	command_ok([ "$bin/pg_upgrade", '-d', $old->data_dir, '-D', $node->data_dir, '-b', $from_bin, '-B', $bin,
			'-s', $node->host, '-p', $old->port, '-P', $node->port ], 'pg_upgrade');
	$node->start;
	my $version = version($node);
	# before version 18, pg_upgrade does not copy statistics
	query($node, 'shop', 'ANALYZE');
	same('shop', $was, "pg_upgrade to $version: everything is as before");
	query($node, 'postgres', 'CREATE DATABASE tried TEMPLATE shop STRATEGY file_copy');
	works('tried', "pg_upgrade to $version");
	query($node, 'postgres', 'DROP DATABASE tried');
	push @upgraded, [ $node, $version ];
	$node->stop;
	$from_bin = $bin;
}

# restore the dumps
foreach my $i (0 .. $#dumps)
{
	my ($bin, $file) = @{ $dumps[$i] };

	$node = server("restored_$i", $bin eq $own_bin ? undef : $bin);
	$node->start;
	query($node, 'postgres', 'CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE shop; ALTER DATABASE shop SET cmig.protect = \'base\'');
	my $version = version($node);
	command_ok([ "$bin/pg_restore", '--exit-on-error', '-d', $node->connstr('shop'), $file ], "restore into $version");
	query($node, 'shop', 'ANALYZE');
	is(query($node, 'shop', q{SELECT count(*) FROM cmig.check() WHERE object = 'cmig.secret'}), 1, "restore into $version: check says that the key is missing");
	query($node, 'shop', q{INSERT INTO cmig.secret VALUES ('audit', 'another key')});
	same('shop', $was, "restore into $version: everything else is as before");
	works('shop', "restore into $version");
	$node->stop;
}

done_testing();
