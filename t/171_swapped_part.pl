# Copyright (c) 2026, the pg_cmig developers

# The owner of a table puts another constraint or index in the place of one that a superuser's call has
# examined or added, and names in its next transaction: VALIDATE CONSTRAINT would evaluate it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('swapped_part', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_own;
CREATE SCHEMA s AUTHORIZATION regress_own;
SET ROLE regress_own;
CREATE FUNCTION s.evil(int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN
	IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE regress_own SUPERUSER; END IF; RETURN true; END$$;
});

# starts from a table with the constraint c of the owner
sub renew
{
	$node->safe_psql('postgres', q{ALTER ROLE regress_own NOSUPERUSER; SET client_min_messages = warning; DROP TABLE IF EXISTS s.t, s.r;
	SET ROLE regress_own; CREATE TABLE s.r (id int PRIMARY KEY); CREATE TABLE s.t (id int, b int REFERENCES s.r, n int); INSERT INTO s.r VALUES (1); INSERT INTO s.t VALUES (1, 1, 2)});
	return;
}

# The call waits for a lock; what the owner does next waits behind it, and comes before the call's next
# transaction.
sub swap
{
	my ($call, $swap, $pattern) = @_;
	my $holder = start_psql($node, 'postgres', 'SET ROLE regress_own; BEGIN; LOCK TABLE s.t IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)', 'holder');

	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
	my $run = start_psql($node, 'postgres', $call);
	wait_until_blocked($node);
	my $next = start_psql($node, 'postgres', "SET ROLE regress_own; $swap", 'next');
	wait_until_blocked($node, 'next');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	finish_psql($_) for ($holder, $next, $run);
	like($run->{err}, $pattern, "$call: error");
	is(query($node, 'postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_own'}), 'f', "$call: evaluates nothing of the owner");
	return;
}

my $replaced = qr/ERROR:  (?:55000: (?:constraint|index) ".*" of table s\.t was replaced or dropped during the CALL\n.*HINT:  Repeat the CALL\.|42710: .* already exists with a different definition)/s;
sub evil { return "ALTER TABLE s.t DROP CONSTRAINT IF EXISTS $_[0], ADD CONSTRAINT $_[0] CHECK (s.evil(id)) NOT VALID" }
renew();
swap(q{CALL cmig.add_check('s.t', 'c', 'n > 1')}, evil('c'), $replaced);
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'c'}), 'f', 'it is not validated');
fails_with($node, 'postgres', q{CALL cmig.add_check('s.t', 'c', 'n > 1')}, '42710', 'already exists with a different definition', 'and the next call says why');
renew();
swap(q{CALL cmig.add_not_null('s.t', 'n')}, evil('cmig_n_not_null'), $replaced);
renew();
swap(q{CALL cmig.add_foreign_key('s.t', 'n', 's.r', name => 'c')}, evil('c'), $replaced);
# one that was NOT VALID before
renew();
$node->safe_psql('postgres', 'SET ROLE regress_own; ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID');
$node->safe_psql('postgres', q{CALL cmig.add_check('s.t', 'c', 'n > 1')});
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'c'}), 't', 'is validated if it is the same');
# all end as before if nobody is in the way
$node->safe_psql('postgres', q{CALL cmig.add_not_null('s.t', 'n'); CALL cmig.add_foreign_key('s.t', 'id', 's.r'); CALL cmig.add_unique('s.t', 'id')});
is(query($node, 'postgres', q{SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 's.t'::regclass AND convalidated AND contype <> 'n'}), 'c t_b_fkey t_id_fkey t_id_key', 'constraints');
is(query($node, 'postgres', q{SELECT attnotnull FROM pg_attribute WHERE attrelid = 's.t'::regclass AND attname = 'n'}), 't', 'NOT NULL');

# what the check of a contraction names
$node->safe_psql('postgres', q{SELECT cmig.create_revision('x', revision => '001', expand => true,
	upgrade_sql => 'ALTER TABLE s.t ALTER n TYPE bigint; ALTER TABLE s.t ADD CONSTRAINT k CHECK (n > 0); ALTER TABLE s.t ADD FOREIGN KEY (n) REFERENCES s.r')});
my $other = qr/ERROR:  55000: constraint "cmig_new_\w+" of table s\.t is not the one that the expansion of revision "001" adds\n.*HINT:  ALTER TABLE s\.t DROP CONSTRAINT cmig_new_\w+; then repeat the CALL/s;
sub expanded
{
	$node->safe_psql('postgres', q{DO $$BEGIN IF EXISTS (SELECT FROM cmig.expansion_run) THEN RAISE EXCEPTION 'expanded'; END IF; END$$});
	renew();
	$node->safe_psql('postgres', q{UPDATE s.t SET n = 1; ALTER TABLE s.t ADD PRIMARY KEY (id); CALL cmig.expand('001')});
	return;
}
expanded();
my ($check) = query($node, 'postgres', q{SELECT statement FROM cmig.expansion_step WHERE statement ~ 'ADD CONSTRAINT cmig_new_k '});
my ($key) = query($node, 'postgres', q{SELECT statement FROM cmig.expansion_step WHERE statement ~ 'ADD CONSTRAINT .* FOREIGN KEY'});
my ($name) = $key =~ /ADD CONSTRAINT (\w+)/;
swap('CALL cmig.contract()', evil('cmig_new_k'), $other);
# created before, whether it is valid or not
foreach my $sql ('ADD CONSTRAINT cmig_new_k CHECK (s.evil(id)) NOT VALID', 'ADD CONSTRAINT cmig_new_k CHECK (cmig_new_n > -1)', 'ADD CONSTRAINT cmig_new_k CHECK (cmig_new_n > 0) NO INHERIT',
	"ADD CONSTRAINT $name CHECK (s.evil(id)) NOT VALID", "ADD CONSTRAINT $name FOREIGN KEY (id) REFERENCES s.r", "ADD CONSTRAINT $name FOREIGN KEY (cmig_new_n) REFERENCES s.r ON DELETE CASCADE")
{
	$node->safe_psql('postgres', "SET ROLE regress_own; ALTER TABLE s.t DROP CONSTRAINT IF EXISTS cmig_new_k, DROP CONSTRAINT IF EXISTS $name; ALTER TABLE s.t $sql");
	my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nCALL cmig.contract()");
	like($err, $other, "$sql: error");
	is(query($node, 'postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_own'}), 'f', 'evaluates nothing');
}
# what an interrupted call has left is the right one
$node->safe_psql('postgres', "ALTER TABLE s.t DROP CONSTRAINT $name; $check; $key; CALL cmig.contract()");
is(query($node, 'postgres', q{SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 's.t'::regclass AND contype IN ('c', 'f')}),
	'CHECK ((n > 0)); FOREIGN KEY (b) REFERENCES s.r(id); FOREIGN KEY (n) REFERENCES s.r(id)', 'and is kept');

# what is validated by a statement after the one that adds it
my $during = qr/ERROR:  55000: constraint "z" of table s\.t was replaced or dropped during the CALL\n/;
my $add = 'ADD CONSTRAINT z CHECK (id > 0) NOT VALID';
foreach my $script (
	"ALTER TABLE s.t $add; ALTER TABLE s.t VALIDATE CONSTRAINT z",
	"ALTER TABLE s.t $add, ADD CONSTRAINT y CHECK (id > -1) NOT VALID; COMMENT ON TABLE s.t IS ''x''; ALTER TABLE s.t VALIDATE CONSTRAINT y, VALIDATE CONSTRAINT z",
	"ALTER TABLE s.t $add; ALTER TABLE s.t ADD CONSTRAINT y CHECK (id > -1) NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT y; ALTER TABLE s.t VALIDATE CONSTRAINT z")
{
	renew();
	$node->safe_psql('postgres', qq{DELETE FROM cmig.revision; DELETE FROM cmig.version; ALTER TABLE s.t ADD CONSTRAINT k CHECK (n > 0);
		SELECT cmig.create_revision('x', revision => '002', transactional => false, upgrade_sql => 'SELECT 1; SELECT 1/0', downgrade_sql => '$script')});
	$node->safe_psql('postgres', q{INSERT INTO cmig.version VALUES ('002')});
	swap(q{CALL cmig.downgrade_stepwise('base')}, evil('z'), $during);
	$node->safe_psql('postgres', "ALTER TABLE s.t DROP CONSTRAINT z, $add");
	$node->safe_psql('postgres', q{CALL cmig.downgrade_stepwise('base')});
	is(query($node, 'postgres', q{SELECT bool_and(convalidated) FROM pg_constraint WHERE conname IN ('y', 'z')}), 't', 'the next call goes on');
}

# what reverts a partial revision, which the schema's comparison has seen
$node->safe_psql('postgres', q{DELETE FROM cmig.revision; DROP TABLE s.t, s.r; SELECT cmig.create_revision('y', revision => '003',
	upgrade_sql => 'CREATE TABLE s.t (id int, CONSTRAINT y CHECK (id > 0)); ALTER TABLE s.t OWNER TO regress_own'); SELECT * FROM cmig.upgrade();
	SELECT cmig.create_revision('x', revision => '004', transactional => false, upgrade_sql => 'ALTER TABLE s.t DROP CONSTRAINT y; ALTER TABLE s.t ADD CONSTRAINT y CHECK (id > 0) NOT VALID; SELECT 1/0')});
fails_with($node, 'postgres', 'INSERT INTO s.t VALUES (1); CALL cmig.upgrade_stepwise()', '22012', 'division by zero', 'partially applied');
my $next = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE s.t IN SHARE UPDATE EXCLUSIVE MODE; DO $$BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = \'run\' AND wait_event_type = \'Lock\')
	LOOP PERFORM pg_sleep(0.1), pg_stat_clear_snapshot(); END LOOP; END$$; SET LOCAL ROLE regress_own; ' . evil('y') . '; COMMIT', 'next');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
my $run = start_psql($node, 'postgres', "CALL cmig.abandon_partial('004', '004')");
finish_psql($_) for ($next, $run);
like($run->{err}, qr/ERROR:  55000: constraint "y" of table s\.t was replaced or dropped during the CALL\n/, 'abandon_partial: error');
is(query($node, 'postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_own'}), 'f', 'abandon_partial: evaluates nothing of the owner');
$node->safe_psql('postgres', "ALTER TABLE s.t DROP CONSTRAINT y, ADD CONSTRAINT y CHECK (id > 0) NOT VALID; CALL cmig.abandon_partial('004', '004')");
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'y'}), 't', 'the next call reverts');

$node->stop;
done_testing();
