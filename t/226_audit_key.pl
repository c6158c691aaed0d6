# Copyright (c) 2026, the pg_cmig developers

# No dump contains the key for hashed columns: cmig.check() and cmig.audit_status() say that audited
# tables cannot be written without it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('audit_key');
$node->start;
new_database($node, 'old');
query($node, 'old', q{CREATE TABLE card (id int PRIMARY KEY, number text); CREATE TABLE plain (hash int PRIMARY KEY, note text);
	SELECT count(*) FROM cmig.enable_audit('card', hash => '{number}'); SELECT count(*) FROM cmig.enable_audit('plain', exclude => '{note}')});
my $key = q{SELECT count(*) FROM cmig.check() WHERE object = 'cmig.secret'};
is(query($node, 'old', $key), '0', 'nothing is reported with the key');

my $dump = $node->basedir . '/old.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('old') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE new');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, $node->connstr('new') ], 'restore');
fails_with($node, 'new', q{INSERT INTO card VALUES (1, '4111')}, '55000', 'the key for hashed columns is missing', 'a write without the key');
is(query($node, 'new', q{SELECT severity, problem FROM cmig.check() WHERE object = 'cmig.secret'}),
	'error|it has no key for hashed columns, without which these audited tables cannot be written: public.card', 'check');
is(query($node, 'new', q{SELECT target, problem FROM cmig.audit_status() WHERE problem ~ 'key'}),
	'public.card|rows cannot be written until cmig.enable_audit is called to create a key for hashed columns, or the old key is restored', 'audit_status');
query($node, 'new', q{CREATE ROLE reader; SELECT cmig.grant_access('reader', 'reader')});
is(query($node, 'new', "SET ROLE reader; $key"), '1', 'check of a role that may not read the key');
my ($fix) = query($node, 'new', q{SELECT fix FROM cmig.check() WHERE object = 'cmig.secret'}) =~ /(SELECT .*)/;
query($node, 'new', $fix);
query($node, 'new', q{INSERT INTO card VALUES (1, '4111')});
is(query($node, 'new', "$key; SELECT count(*) FROM cmig.audit_status() WHERE problem ~ 'key'"), "0\n0", 'the fix creates a key');

$node->stop;
done_testing();
