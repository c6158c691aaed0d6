# Copyright (c) 2026, the pg_cmig developers

# Tests roles that have handed on privileges, that have other names than when they were
# recorded, and that default privileges have given more than pg_cmig would.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('granted_roles');

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE mig LOGIN; CREATE ROLE dep; ' . join '; ', map { "CREATE ROLE $_ LOGIN" } qw(ga gb gc));

# sub_as(ROLE, DATABASE, SQL): likewise, as a role that has logged in
sub sql_as { return sql($_[1], "SET SESSION AUTHORIZATION $_[0]; $_[2]") }

# world(DATABASE): a database of the role own, which has created the extension
sub world
{
	my ($db) = @_;

	sql('postgres', "CREATE DATABASE $db OWNER own");
	sql_as('own', $db, 'CREATE EXTENSION pg_cmig');
}
my $held = q{SELECT count(*), coalesce(string_agg(DISTINCT a.grantee::regrole::text, ' '), '') FROM (SELECT nspacl FROM pg_namespace WHERE nspname = 'cmig'
	UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'cmig'::regnamespace UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = 'cmig.journal'::regclass
	UNION ALL SELECT proacl FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace) o (acl), aclexplode(acl) a
	WHERE a.grantee IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'g_') OR a.grantor IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'g_')};
my $fixes = q{SELECT fix FROM cmig.check() WHERE object ~ 'role g|PUBLIC' ORDER BY object DESC};

# chain(DATABASE): each of three roles hands on what it has
sub chain
{
	my ($db) = @_;
	my $all = sub { return "GRANT USAGE ON SCHEMA cmig TO $_[0]; GRANT SELECT, UPDATE ON cmig.journal TO $_[0]; GRANT EXECUTE ON FUNCTION cmig.heads() TO $_[0]" =~ s/(?=;|$)/$_[1]/gr };

	world($db);
	sql_as('own', $db, "SELECT cmig.grant_access('ga', 'reader'); " . $all->('ga', ' WITH GRANT OPTION'));
	sql_as('ga', $db, $all->('gb', ' WITH GRANT OPTION') . '; GRANT UPDATE (message) ON cmig.journal TO gc');
	sql_as('gb', $db, $all->('gc', ''));
}

chain('fixes');
is(sql('fixes', $fixes), join("\n", map { "SELECT cmig.revoke_access('$_')" . ($_ eq 'ga' ? q{; SELECT cmig.grant_access('ga', 'reader')} : '') } qw(gc gb ga)), 'cmig.check() says how to revoke what was handed on');
sql_as('own', 'fixes', $_) foreach split /\n/, sql('fixes', $fixes);
is(sql('fixes', $fixes), '', 'which is then done');
is((split /\|/, sql('fixes', $held))[1], 'ga', 'and only the level remains');

# revoking from the first role revokes what the others have from it
chain('first');
my (undef, undef, $err) = $node->psql('first', q{SET SESSION AUTHORIZATION own; SELECT cmig.revoke_access('ga')});
is($err, "psql:<stdin>:1: NOTICE:  what role ga had granted was revoked, too, from: gb, gc", 'a notice names who loses it');
is(sql('first', $held), '0|', 'nothing remains, also on columns');

# privileges that roles have given to each other
world('mutual');
sql_as('own', 'mutual', 'GRANT USAGE ON SCHEMA cmig TO ga, gb, gc; GRANT SELECT ON cmig.journal TO gb WITH GRANT OPTION; GRANT UPDATE, DELETE ON cmig.journal TO ga WITH GRANT OPTION; GRANT DELETE ON cmig.version TO ga WITH GRANT OPTION');
sql_as('ga', 'mutual', 'GRANT UPDATE ON cmig.journal TO gb WITH GRANT OPTION; GRANT DELETE ON cmig.journal, cmig.version TO gb');
sql_as('gb', 'mutual', 'GRANT SELECT ON cmig.journal TO ga, PUBLIC; GRANT UPDATE (message) ON cmig.journal TO gc');
sql_as('own', 'mutual', q{SELECT cmig.revoke_access('gb')});
is(sql('mutual', q{SELECT relacl::text ~ 'gb|ga=r|,=r' FROM pg_class WHERE oid = 'cmig.journal'::regclass}), 'f', 'roles that have given privileges to each other');
is((split /\|/, sql('mutual', $held))[1], 'ga gc', 'keep what they have from others');

# a superuser revokes as the owner
chain('super');
sql('postgres', 'ALTER ROLE ga SUPERUSER');
fails_with($node, 'super', q{SELECT cmig.revoke_access('gb')}, '55000', 'what role ga has granted to gb cannot be revoked', 'a grantor that is a superuser now');
my ($hint) = tried('super', q{SELECT cmig.revoke_access('gb')}) =~ /^HINT:  As a superuser: (.*); then repeat the call\.$/m;
sql('super', $_) foreach $hint, q{SELECT cmig.revoke_access('gb')};
is(sql('super', q{SELECT has_function_privilege('gb', 'cmig.heads()', 'EXECUTE'), has_function_privilege('gc', 'cmig.heads()', 'EXECUTE')}), 'f|f', 'the hint is right');

# what PUBLIC has, another role than the caller can revoke
chain('public');
sql_as('gb', 'public', 'GRANT EXECUTE ON FUNCTION cmig.heads() TO PUBLIC');
like(sql_as('own', 'public', $fixes), qr/^As a superuser: SET ROLE gb; REVOKE EXECUTE ON ROUTINE cmig\.heads\(\) FROM PUBLIC; RESET ROLE$/m, 'for the owner');
($hint) = sql('public', $fixes) =~ /^(SET ROLE gb; .*)$/m;
sql('public', $hint);
is(sql('public', q{SELECT count(*) FROM cmig.check() WHERE object = 'PUBLIC'}), '0', 'for a superuser');

# The role that has expanded a revision gets another name.
world('renamed');
sql('renamed', 'ALTER SCHEMA public OWNER TO mig; GRANT CREATE ON DATABASE renamed TO mig');
sql_as('own', 'renamed', q{SELECT count(*) FROM unnest('{author,migrator}'::text[]) l, cmig.grant_access('mig', l)});
sql_as('mig', 'renamed', q{CREATE TABLE t (id int PRIMARY KEY, v int); SELECT cmig.create_revision('n', 'ALTER TABLE t ALTER v TYPE bigint', NULL, revision => '2', expand => true)});
sql_as('mig', 'renamed', 'CALL cmig.expand()');
sql('renamed', 'ALTER ROLE mig RENAME TO miguel');
($hint) = tried('renamed', 'SET SESSION AUTHORIZATION miguel; CALL cmig.contract()') =~ /^HINT:  There is no such role\. .* runs: (.*)$/m;
sql_as('own', 'renamed', $hint);
sql_as('miguel', 'renamed', 'CALL cmig.contract()');
is(sql('renamed', 'SELECT * FROM cmig.version'), '2', 'what the hint says, typed by the owner, is enough');

# The role in cmig.role lacks a privilege that an expansion needs, which dividing the revision does not change.
world('lacks');
sql('lacks', q{CREATE TABLE t (id int PRIMARY KEY, v int); ALTER TABLE t OWNER TO dep; GRANT ALL ON SCHEMA public TO dep});
sql('lacks', q{SELECT cmig.create_revision('n', 'ALTER TABLE t ALTER v TYPE bigint', NULL, revision => '1', expand => true); SELECT cmig.set_option('cmig.role', 'dep')});
like(tried('lacks', "\\set VERBOSITY verbose\nCALL cmig.expand()"), qr/ERROR:  42501: the change cannot be expanded by role dep\nDETAIL:  A statement fails .*: permission denied for database lacks\.\nHINT:  Set cmig\.role to a role with this privilege, or grant it; /, 'what helps');
sql('lacks', 'GRANT CREATE ON DATABASE lacks TO dep');
($hint) = tried('lacks', 'CALL cmig.expand()') =~ /permission denied for schema cmig\.\nHINT:  .*: (SELECT cmig\.grant_access.*)$/m;
sql('lacks', $hint);
sql('lacks', 'CALL cmig.expand()');
sql('lacks', 'CALL cmig.contract()');
is(sql('lacks', 'SELECT * FROM cmig.version'), '1', 'the hint is enough');

# The role in cmig.role gets another name.
sql('renamed', q{GRANT dep TO miguel; SELECT cmig.set_option('cmig.role', 'dep')});
sql('renamed', 'ALTER ROLE dep RENAME TO deputy');
sql('renamed', q{SELECT cmig.create_revision('m', 'CREATE TABLE u ()', 'DROP TABLE u', revision => '3')});
foreach my $call (q{SELECT cmig.upgrade()}, q{CALL cmig.upgrade_stepwise()}, q{CALL cmig.expand()}, q{SELECT cmig.stamp('3')}, q{SELECT cmig.downgrade('-1')}, q{SELECT cmig.drift()},
	q{SELECT cmig.create_scope('s')}, q{CALL cmig.upgrade_scopes('%')})
{
	my $out = tried('renamed', "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION miguel; $call");

	like($out, qr/ERROR:  42704: role "dep" does not exist\nDETAIL:  Scripts run as the role in cmig\.role\.\nHINT:  If it was renamed or dropped, specify another one: SET cmig\.role = /, "$call with a role that was renamed");
}
is(sql('renamed', q{SELECT severity, object, problem, fix FROM cmig.check() WHERE object ~ 'setting'}),
	q{error|setting cmig.role|role "dep", as which scripts run, does not exist|If it was renamed or dropped: SELECT cmig.set_option('cmig.role', '<role>')}, 'cmig.check() tells it');
sql_as('own', 'renamed', q{SELECT cmig.set_option('cmig.role', 'deputy')});
is(sql('renamed', q{SELECT count(*) FROM cmig.check() WHERE object ~ 'setting'}), '0', 'and what it says is right');

# Default privileges let others create objects in new scopes.
world('scopes');
sql_as('own', 'scopes', q{SELECT cmig.create_revision('m', 'CREATE TABLE u ()', 'DROP TABLE u', revision => '1'); ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO ga});
($hint) = tried('scopes', q{SET SESSION AUTHORIZATION own; SELECT cmig.create_scope('s1')}) =~ /^HINT:  .*: (ALTER .*)$/m;
is($hint, 'ALTER DEFAULT PRIVILEGES FOR ROLE own REVOKE CREATE ON SCHEMAS FROM ga', 'the hint is about them, because the schema is gone');
sql_as('own', 'scopes', "$hint; SELECT cmig.create_scope('s1')");
is(sql('scopes', q{SELECT to_regclass('s1.u')}), 's1.u', 'and right');

$node->stop;
done_testing();
