#!/usr/bin/perl
# Copyright (c) 2026, the pg_cmig developers
#
# run_lint.pl CASES.jsonl [TEXT]
#
# Compares cmig.lint with cases whose answers are known.  Each case is a script,
# the database that it meets (setup_file, in the folder of CASES, and setup_sql), the findings that are expected, and
# those that would be false.  A case agrees if each expected rule is found at its
# statement, and none of the false ones.  Other findings are not judged.
#
# Runs psql with the environment's connection, in a database with pg_cmig and
# nothing else, as a superuser.  Each case is rolled back.  TEXT limits it to
# cases whose id contains it.  Prints the cases that do not agree and "agree A of
# N"; the exit status is 1 unless all agree.

use strict;
use warnings;
use File::Basename;
use File::Temp;
use JSON::PP;

my ($file, $only) = @ARGV;
my $psql = $ENV{PSQL} // 'psql';
my $version = int(`$psql -XAtc "SHOW server_version_num"` / 10000);
my @cases;

open my $in, '<:raw', $file or die "$file: $!\n";
while (<$in>)
{
	my $case = decode_json($_);
	next if defined $only && index($case->{id}, $only) < 0;
	next if $case->{pg} > $version || ($case->{pg_max} // $version) < $version;
	push @cases, $case;
}

sub literal
{
	my ($text) = @_;
	my $tag = 'lint';
	$tag .= 'x' while index($text, "\$$tag\$") >= 0;
	return "\$$tag\$$text\$$tag\$";
}

my $sql = File::Temp->new(SUFFIX => '.sql');
binmode $sql, ':utf8';
print $sql "\\set VERBOSITY verbose\nSET client_min_messages = error;\n";
for my $i (0 .. $#cases)
{
	my $case = $cases[$i];
	my $include = join ',', @{ $case->{include} // [] };
	my $transactional = $case->{transactional} ? 'true' : 'false';
	print $sql "\\echo == $i\nBEGIN;\nSET LOCAL timezone = 'UTC'; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;\n";
	print $sql "\\i '" . dirname($file) . "/$case->{setup_file}'\n" if $case->{setup_file};
	print $sql "$case->{setup_sql}\n;\n" if $case->{setup_sql};
	print $sql "SET LOCAL cmig.lint_include = '$include';\n" if $include;
	print $sql "INSERT INTO cmig.revision (revision, message, upgrade_sql, transactional) VALUES ('lint_case', 'case', ",
	  literal($case->{script}), ", $transactional);\n";
	print $sql "SELECT 'ROW ' || coalesce(statement::text, '-') || ' ' || rule FROM cmig.lint('lint_case')"
	  . " WHERE severity IN ('error', 'warning', 'notice') AND message IS NOT NULL;\n\\echo DONE\nROLLBACK;\n";
}
close $sql;

my %found;
my %trouble;
my $now;
open my $out, '-|', "$psql -XAtqf $sql 2>&1" or die "psql: $!\n";
while (<$out>)
{
	chomp;
	if (/^== (\d+)$/) { $now = $1; $found{$now} = []; }
	elsif (/^ROW (\S+) (\S+)$/) { push @{ $found{$now} }, [ $1, $2 ]; }
	elsif (/ERROR: /) { $trouble{$now} //= $_; }
}
close $out;

sub matches
{
	my ($i, $rule, $statement) = @_;
	return grep { ($rule eq '*' || $_->[1] eq $rule) && (!defined $statement || $_->[0] eq $statement) } @{ $found{$i} };
}

my $agree = 0;
for my $i (0 .. $#cases)
{
	my @why = exists $trouble{$i} ? ($trouble{$i}) : ();
	for my $e (@{ $cases[$i]{expect} })
	{
		push @why, "missed $e->{rule} at " . ($e->{statement} // 'any') unless matches($i, $e->{rule}, $e->{statement});
	}
	for my $e (@{ $cases[$i]{forbid} })
	{
		my @false = matches($i, $e->{rule}, $e->{statement});
		push @why, "false " . join(', ', map { "$_->[1] at $_->[0]" } @false) . " ($e->{why})" if @false;
	}
	print "case $cases[$i]{id}: ", join('; ', @why), "\n" if @why;
	$agree++ unless @why;
}
printf "agree %d of %d\n", $agree, scalar @cases;
exit($agree == @cases ? 0 : 1);
