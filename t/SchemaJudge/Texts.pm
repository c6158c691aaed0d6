# Copyright (c) 2026, the pg_cmig developers

# Splits scripts into statements, and files into pairs.

package SchemaJudge;

use strict;
use warnings;

# Returns the statements of a script, each with its semicolon.
sub split_statements
{
	my ($text) = @_;
	my ($start, $parens, $begins, @statements) = (0, 0, 0);
	my $words = '';

	pos($text) = 0;
	while (pos($text) < length($text))
	{
		if ($text =~ /\G(?:\s+|--[^\n]*)/gc)
		{
			$start = pos($text) if $words eq '';
		}
		elsif ($text =~ m{\G(/\*(?:[^*/]|\*(?!/)|/(?!\*)|(?1))*\*/)}gc || $text =~ /\G\b[eE]'(?:[^'\\]|\\.|'')*'/gcs
			|| $text =~ /\G'(?:[^']|'')*'/gc || $text =~ /\G"(?:[^"]|"")*"/gc || $text =~ /\G\$([A-Za-z_\x80-\xff]\w*|)\$.*?\$\1\$/gcs)
		{
			$words .= ' ' if $words eq '';
		}
		elsif ($text =~ /\G([A-Za-z_\x80-\xff][\w\$\x80-\xff]*)/gc)
		{
			my $word = lc $1;

			$words .= "$word " if length($words) < 200;
			if ($words =~ /^create (?:or replace )?(?:function|procedure) /)
			{
				$begins++ if $word eq 'begin' || ($word eq 'case' && $begins);
				$begins-- if $word eq 'end' && $begins;
			}
		}
		elsif ($text =~ /\G([();]|\d\w*|.)/gcs)
		{
			my $char = $1;

			$parens++ if $char eq '(';
			$parens-- if $char eq ')';
			if ($char eq ';' && $parens <= 0 && !$begins)
			{
				push @statements, substr($text, $start, pos($text) - $start) if $words =~ /\w/;
				($start, $parens, $begins, $words) = (pos($text), 0, 0, '');
			}
			elsif ($words eq '')
			{
				$words = ' ';
			}
		}
	}
	push @statements, substr($text, $start) . ';' if $words =~ /\w/;
	return @statements;
}

# read_pairs(PATH): pairs of a folder NAME/{a,b}.sql, of one such folder, or of
# a file with several:
#
#   -- pair: NAME
#   what both have
#   -- a:
#   -- b:
#   -- arguments: renames => '{...}'
#   -- expect: unsupported
#
# where "expect" names a result of judge(), "no rows" that the diff must be empty
# although pg_dump prints two texts,
# as a list of hashes name, a, b, arguments, expect
sub read_pairs
{
	my ($path) = @_;

	if (-d $path)
	{
		return ({ name => ($path =~ s{/+$}{}r) =~ s{.*/}{}r, a => slurp("$path/a.sql"), b => slurp("$path/b.sql") })
		  if -e "$path/a.sql";
		return map { read_pairs($_) } grep { -d || /\.sql$/ } sort glob("$path/*");
	}

	my @pairs;
	my @parts = split(/^-- pair: */m, slurp($path));
	(my $file = $path) =~ s{.*/|\.sql$}{}g;
	shift @parts;
	for my $part (@parts)
	{
		my ($name, $body) = $part =~ /^([^\n]*)\n(.*)/s;
		my ($both, $a, $b) = $body =~ /^(.*?)^-- a:\n(.*?)^-- b:\n(.*)/ms or die "$path: pair $name has no a and b\n";
		my %pair = (name => "$file/$name", a => "$both$a", b => "$both$b");

		$pair{arguments} = ", $1" if $both =~ /^-- arguments: (.*)$/m;
		$pair{expect} = $1 if $both =~ /^-- expect: (.*)$/m;
		push @pairs, \%pair;
	}
	return @pairs;
}

1;
