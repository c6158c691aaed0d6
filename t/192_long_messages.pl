# Copyright (c) 2026, the pg_cmig developers

# Long statements, and messages that contain a long part of a script.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('long_messages');

$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');

# the page of cmig.report() has only the beginning, without half a character
$node->safe_psql('postgres', "SELECT cmig.load(E'-- revision: 001\\n-- message: x\\n-- cmig:upgrade\\nCREATE ' || repeat('\x{c3}\x{a9}', 30000) || ' x;')");
my $page = $node->safe_psql('postgres', 'SELECT cmig.report()');
like($page, qr/syntax error at or near &#x22;(&#xE9;){900,1000}\.\.\. \(60\d\d\d bytes in all\)</, 'a long token is cut in the report');
like($node->safe_psql('postgres', "SELECT string_agg(problem, '') FROM cmig.check()"), qr/near "(\x{c3}\x{a9}){30000}"/, 'but not elsewhere');

# a function is read to its end, however far behind its beginning that is
my $load = "SELECT cmig.load(E'-- revision: 002\\n-- cmig:upgrade\\nCREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; ' || repeat(' ', 5000) || 'SELECT 2 end; SELECT 3; END;')";
$node->safe_psql('postgres', "DELETE FROM cmig.revision; $load");
is($node->safe_psql('postgres', "SELECT cmig.upgrade('002') \\g /dev/null\nSELECT f()"), '3', 'the end of a long function');

$node->stop;
done_testing();
