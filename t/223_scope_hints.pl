# Copyright (c) 2026, the pg_cmig developers

# The hint of a script that fails in a scope is about this scope, not about the database.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('scope_hints');
my $labels = q{'ALTER TYPE public.mood ADD VALUE ''b''; CREATE TABLE x (m public.mood DEFAULT ''b'')'};

new_database($node, 'd');
# since 17, the label could be used if the same transaction had created the type
sql('d', q{CREATE TYPE mood AS ENUM ('a')});
sql('d', q{SELECT FROM cmig.create_revision('a', 'CREATE TABLE w (id int)', revision => 'r1'); SELECT FROM cmig.create_scope('s1')});
sql('d', "SELECT FROM cmig.create_revision('b', $labels, revision => 'r2')");
my $call = q{CALL cmig\.upgrade_stepwise\('head'\)};
my ($out, $err);
$node->psql('d', q{CALL cmig.upgrade_scopes('%')}, stderr => \$err);
like($err, qr/HINT:  .* and SET cmig\.scope = 's1'; $call/, 'upgrade_scopes');
fails_with($node, 'd', q{SELECT FROM cmig.create_scope('s2')}, '55P04', qr/HINT:  .* and SET cmig\.scope = 's2'; $call/, 'create_scope');
fails_with($node, 'd', q{SET cmig.scope = 's1'; SELECT FROM cmig.upgrade()}, '55P04', qr/HINT:  .* revision, and SET cmig\.scope = 's1'; $call/, 'a scope that the session has set');
fails_with($node, 'd', q{SELECT FROM cmig.upgrade()}, '55P04', qr/HINT:  .* revision, and $call/, 'the database');

$node->stop;
done_testing();
