# What the documents print is what happens: every example of README.md and of
# the chains' README.md, and those of doc/reference.md in the sections that say
# so.  DocExamples.pm says what is run and how; when an example's output has
# changed on purpose, the test leaves a copy of the document with the new
# output in tmp_check, to be looked at and copied.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CmigNode;
use DocExamples;
use Test::More;

my $top = "$FindBin::RealBin/..";
my $node = new_node('readme');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');

my @documents = @ARGV ? @ARGV : ("$top/README.md", glob("$top/migrations/*/README.md"), "$top/doc/row-level-security.md", "$top/doc/reference.md");
foreach my $path (map { Cwd::abs_path($_) } @documents)
{
	my $mode = $path =~ /reference/ ? 'on demand' : $path =~ /migrations/ ? 'whole' : 'sections';

	DocExamples->new($node, $path, $mode)->run;
}

done_testing();
