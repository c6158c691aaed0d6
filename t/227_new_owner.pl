# Copyright (c) 2026, the pg_cmig developers

# REASSIGN OWNED gives the extension to a role that has no access to it: audited tables can be
# written all the same, also those with hashed columns, and cmig.check() names the role.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('new_owner');
$node->start;
query($node, 'postgres', 'CREATE ROLE old LOGIN; CREATE ROLE heir LOGIN; CREATE ROLE app LOGIN; CREATE DATABASE d OWNER old');
query($node, 'd', q{CREATE EXTENSION pg_cmig; CREATE TABLE plain (id int PRIMARY KEY); CREATE TABLE card (id int PRIMARY KEY, number text); CREATE TABLE later (id int PRIMARY KEY, number text);
	GRANT INSERT ON plain, card, later TO app; SELECT cmig.grant_access('app', 'reader'); SELECT count(*) FROM cmig.enable_audit('plain')}, 'old');
my $check = q{SELECT severity, object, problem, fix FROM cmig.check() WHERE object LIKE 'role %' OR severity = 'error'};
is(query($node, 'd', $check), '', 'nothing is reported before');

query($node, 'd', 'REASSIGN OWNED BY old TO heir');
my $lacks = q{warning|role heir|it owns the extension, but has no access level owner|SELECT cmig.grant_access('heir', 'owner')};
is(query($node, 'd', $check), $lacks, 'check');
is(query($node, 'd', $check, 'app'), $lacks, 'check of a reader');
query($node, 'd', q{SELECT count(*) FROM cmig.enable_audit('card', hash => '{number}')});
query($node, 'd', q{INSERT INTO plain VALUES (1); INSERT INTO card VALUES (1, '4111')}, 'app');
is(query($node, 'd', 'SELECT target, problem FROM cmig.audit_status() WHERE level IS NOT NULL ORDER BY 1', 'app'), "public.card|\npublic.plain|", 'audit_status');
foreach my $call ("audit_history('plain', 1)", "audit_diff('plain'::regclass, 1, '-infinity', now())", 'audit_as_of(NULL::plain, now())', 'audit_report()')
{
	like(query($node, 'd', "SELECT count(*) FROM cmig.$call"), qr/^\d+$/, $call);
}
like(query($node, 'd', q{SELECT cmig.audit_script('plain')}), qr/CREATE/, 'audit_script');
query($node, 'd', 'DELETE FROM cmig.secret');
like(query($node, 'd', $check), qr/^error\|cmig\.secret\|it has no key/m, 'a key that is missing');
query($node, 'd', q{SELECT count(*) FROM cmig.enable_audit('later', hash => '{number}')});
query($node, 'd', q{INSERT INTO card VALUES (2, '4111'); INSERT INTO later VALUES (2, '4111')}, 'app');
is(query($node, 'd', q{SELECT string_agg(DISTINCT table_name || ' ' || (new_row->>'number' LIKE '%4111%'), ', ') FROM cmig_audit.log WHERE new_row ? 'number'}), 'card false, later false', 'the values are hashed');
fails_with($node, 'd', 'SELECT * FROM cmig.secret', '42501', 'permission denied', 'the new owner reads nothing', 'heir');

query($node, 'd', q{ALTER DATABASE d OWNER TO app});
is(query($node, 'd', $check), q{warning|role app|it owns the database, but has no access level owner; the extension belongs to role heir|SELECT cmig.grant_access('app', 'owner')} . "\n$lacks", 'another owner of the database');
query($node, 'd', 'ALTER DATABASE d OWNER TO heir');
is(query($node, 'd', $check), $lacks, 'the same owner');
query($node, 'd', q{SELECT cmig.grant_access('heir', 'owner')});
is(query($node, 'd', $check, 'heir'), '', 'the fix');
query($node, 'd', q{INSERT INTO card VALUES (3, '4111')}, 'app');

# nothing was audited before
query($node, 'postgres', 'CREATE DATABASE e OWNER old');
query($node, 'e', 'CREATE EXTENSION pg_cmig; CREATE TABLE card (id int PRIMARY KEY, number text); GRANT INSERT ON card TO app', 'old');
query($node, 'e', q{REASSIGN OWNED BY old TO heir; SELECT count(*) FROM cmig.enable_audit('card', hash => '{number}')});
query($node, 'e', q{INSERT INTO card VALUES (1, '4111')}, 'app');
is(query($node, 'e', q{SELECT count(*) FROM cmig.audit_history('card', 1)}), '1', 'the first audited table');

$node->stop;
done_testing();
