# Copyright (c) 2026, the pg_cmig developers

# Tests the library for applications' sessions: what policies, triggers, and views of an
# expanded table call loads no settings and sets no hooks, except for that of the executor,
# which an UPDATE through such a view needs, and that of the planner, in a session that
# writes the first row of an audited table after it was created or altered.  What the other library knows is still respected:
# cmig.audit_skip, and the revision that runs.
#
# The library in t/data/hooks names the hooks that are set; it needs a C compiler.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('sessions', 'autovacuum = off', 'jit = off');
my $library = build_library('hooks');
$node->start;
$node->safe_psql('postgres', <<"END_SQL");
CREATE EXTENSION pg_cmig;
CREATE ROLE app LOGIN;
CREATE FUNCTION hooks() RETURNS text LANGUAGE c AS '$library';
CREATE VIEW loaded AS SELECT hooks() AS hooks, (SELECT count(*) FROM pg_settings WHERE name LIKE 'cmig.%' AND NOT context = 'internal') > 0 AS settings;
GRANT SELECT ON loaded TO app;
CREATE SCHEMA shop;
SELECT FROM cmig.load(\$c\$
-- revision: 001
-- cmig:upgrade
CREATE TABLE shop.item (id int PRIMARY KEY, name text);
CREATE TABLE shop.sale (id int PRIMARY KEY, tenant_id text NOT NULL);
GRANT ALL ON shop.item, shop.sale TO app;
GRANT USAGE ON SCHEMA shop TO app;
INSERT INTO shop.item VALUES (1, 'a');
INSERT INTO shop.sale VALUES (1, 'a'), (2, 'b');
-- cmig:downgrade
-- revision: 002
-- down_revision: 001
-- cmig:upgrade
INSERT INTO shop.sale VALUES (3, 'c');
-- cmig:downgrade
-- revision: 003
-- down_revision: 002
-- expand: true
-- cmig:upgrade
ALTER TABLE shop.item ALTER id TYPE bigint;
-- cmig:downgrade
\$c\$);
SELECT FROM cmig.upgrade('001');
SELECT FROM cmig.enable_audit('shop.sale');
SELECT FROM cmig.enable_rls('shop.sale', roles => '{app}', require_context => true);
SELECT FROM cmig.upgrade('002');
CALL cmig.expand('003');
END_SQL

my $operations = q{SELECT string_agg(operation || coalesce(' ' || revision, ''), ', ' ORDER BY id) FROM cmig_audit.log};
my $view = $node->safe_psql('postgres', q{SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relname = 'item'});

# in a new session of the application
sub loads
{
	my ($sql, $loaded, $name) = @_;

	is(query($node, 'postgres', "$sql; SELECT * FROM loaded", 'app'), $loaded, $name);
}

is(query($node, 'postgres', $operations), 'INSERT 002', 'the log has the revision that ran');
loads(q{DO $$BEGIN PERFORM cmig.set_context('u', 'a', false), cmig.current_tenant_id(), cmig.context(); END$$}, '|f', 'the context');
loads(q{DO $$BEGIN PERFORM cmig.set_context('u', 'a', false); PERFORM FROM shop.sale; END$$}, '|f', 'a policy');
loads(q{SET app.current_tenant_id = 'a'; INSERT INTO shop.sale VALUES (4, 'a')}, '|f', 'an audited row');
query($node, 'postgres', 'ALTER TABLE shop.sale ADD note text');
loads(q{SET app.current_tenant_id = 'a'; INSERT INTO shop.sale VALUES (8, 'a')}, 'planner_hook|f', 'the first row after the table was altered');
loads(q{SET app.current_tenant_id = 'a'; UPDATE shop.sale SET note = 'x' WHERE id = 8}, '|f', 'the next row');
loads(q{UPDATE shop.item SET name = 'b'}, '|f', 'an expanded table');
loads(qq{UPDATE $view SET name = 'c'}, 'ExecutorStart_hook|f', 'the new version of an expanded table');
like(query($node, 'postgres', "LOAD 'pg_cmig'; SELECT * FROM loaded"), qr/ProcessUtility_hook.*\|t$/, 'the other library');

# a value that was set before the other library is loaded is checked when the trigger asks for it
query($node, 'postgres', q{SET cmig.audit_skip = on; SET app.current_tenant_id = 'a'; INSERT INTO shop.sale VALUES (5, 'a')}, 'app');
query($node, 'postgres', q{SET cmig.audit_skip = on; INSERT INTO shop.sale VALUES (6, 'a')});
is(query($node, 'postgres', $operations), 'INSERT 002, INSERT, INSERT, UPDATE, INSERT, SKIP', 'only superusers set cmig.audit_skip');

# what the scripts of 1.0 and 1.1 declare, and both libraries in one session
query($node, 'postgres', q{UPDATE pg_proc SET probin = '$libdir/pg_cmig' WHERE oid IN ('cmig.audit_trigger'::regproc, 'cmig.current_tenant_id'::regproc)});
is(query($node, 'postgres', q{SET app.current_tenant_id = 'b'; SET app.current_user_id = 'u'; INSERT INTO shop.sale VALUES (7, 'b'); SELECT cmig.current_tenant_id(), cmig.current_user_id()}),
	'b|u', 'functions of older scripts');
is(query($node, 'postgres', "$operations WHERE tenant_id = 'b'"), 'INSERT', 'the trigger of older scripts');

$node->stop;
done_testing();
