# Copyright (c) 2026, the pg_cmig developers

# A cancel request signals a session twice.  If the second signal arrives while the first is handled, the
# locks of the run are released, too: a connection of a pool would keep them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('second_cancel', 'cmig.log_runs = on');
my $library = build_library('cancel_at_log');

$node->start;
query($node, 'postgres', 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('001', '', 'SELECT pg_sleep(600)', '')));
my ($out, $err);
$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err, on_error_stop => 0);
\\set VERBOSITY verbose
LOAD '$library';
SET statement_timeout = '500ms';
CALL cmig.upgrade_stepwise();
RESET statement_timeout;
SELECT 'locks', count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT outcome, sqlstate FROM cmig.journal;
SQL
like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, 'the first signal');
like($out, qr/^locks\|0$/m, 'no lock remains');
like($out, qr/^failed\|57014$/m, 'the failure is recorded');
like($node->safe_psql('postgres', 'SHOW server_version_num'), qr/^\d+$/, 'the server runs');

$node->stop;
done_testing();
