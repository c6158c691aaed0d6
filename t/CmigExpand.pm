# Copyright (c) 2026, the pg_cmig developers

# Functions that the tests of expanded revisions share.

package CmigExpand;

use strict;
use warnings;

use CmigNode;
use Exporter 'import';

our @EXPORT = qw(expand_node sql tried);

my $node;

# expand_node(NAME): starts a server, which the other functions then use, and returns it
sub expand_node
{
	$node = new_node($_[0]);
	$node->start;
	return $node;
}

# sql(DATABASE, SQL): returns the output of statements, which must not fail
sub sql { return $node->safe_psql(@_) }

# tried(DATABASE, SQL): returns the output of statements that may fail, with their errors
sub tried
{
	my ($database, $sql) = @_;
	my (undef, $out, $err) = $node->psql($database, $sql, on_error_stop => 0);
	return "$out\n$err";
}

1;
