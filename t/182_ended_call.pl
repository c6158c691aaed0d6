# Copyright (c) 2026, the pg_cmig developers

# A session that is ended within a CALL, while only its transaction has the locks of the run, releases no
# lock twice, which the server would warn of.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('ended_call');
$node->start;
new_database($node, 'shop');
query($node, 'shop', load_sql(revision_file('001', '', 'CREATE TABLE t (a int);', ''), revision_file('002', '001', 'ALTER TABLE t ADD b int;', ''))
	  . "SELECT cmig.create_scope('tenant', '001')");
my $holder = $node->background_psql('shop');
$holder->query_safe('BEGIN; LOCK TABLE tenant.t');
my $run = start_psql($node, 'shop', q{CALL cmig.upgrade_scopes('tenant')});
my $pid = wait_until_blocked($node);
query($node, 'shop', "SELECT pg_terminate_backend($pid)");
isnt(finish_psql($run), 0, 'the CALL ends');
like($run->{err}, qr/FATAL:  57P01/, 'with its session');
unlike($run->{err}, qr/WARNING/, 'without a warning about locks');
$holder->query_safe('ROLLBACK');
$holder->quit;
query($node, 'shop', q{CALL cmig.upgrade_scopes('tenant')});
is(query($node, 'shop', 'SELECT revision FROM cmig.scope_version'), '002', 'the next CALL upgrades the scope');
$node->stop;
done_testing();
