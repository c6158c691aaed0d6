# Copyright (c) 2026, the pg_cmig developers

# Runs the examples in the fenced blocks of a document, and compares the output
# with that in the document.
#
# What is run in a Markdown file:
#
#   a block whose first line starts with "=> "    is typed into psql
#   a block whose first line starts with "$ "     is typed into a shell
#   a block with the info string "sql file=PATH"  is written to that file
#
# All other blocks are ignored.  In a transcript, an input starts with its
# prompt; an SQL statement continues to the line that ends it with ";", and a
# shell command while its lines end in "\", "|" or "&&" or a quote or a here
# document is open.  Everything up to the next prompt is the output.  A line
# "..." in the output stands for any number of lines.  Times, durations, process
# ids, checksums, generated ids, and line numbers of psql scripts are not
# compared, nor, on PostgreSQL 19 and later, what these word otherwise.
#
# Each section (a heading of two #), or in "whole" documents the document, has a
# new database "shop", whose owner "shop" runs everything in one psql session,
# and a new working directory that has a copy of migrations/.  psql in the shell
# finds the same database.
#
# Comments on lines of their own control this; readers do not see them:
#
#   <!-- not run -->            before a block: not run
#   <!-- needs NAME -->         before a block: not run if NAME is missing; see new
#   <!-- fresh database -->     as if a section began here
#   <!-- run SQL -->            run in the session, its result is ignored; can
#                               have several lines
#   <!-- superuser SQL -->      the same as the superuser

package DocExamples;

use strict;
use warnings;

use Cwd;
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $MARK = '@@ step';

# new(NODE, PATH, MODE, MISSING...): MODE is "sections", the default, or "whole".  Blocks
# that need something that is missing are not run.
sub new
{
	my ($class, $node, $path, $mode, @missing) = @_;
	my $self = bless {
		node => $node,
		path => $path,
		name => basename($path),
		mode => $mode // 'sections',
		missing => { map { $_ => 1 } @missing },
		top => dirname(dirname(Cwd::abs_path(__FILE__))),
		parts => []
	  },
	  $class;

	$self->{name} = basename(dirname($path)) . "/$self->{name}"
	  if dirname($path) ne $self->{top};
	$self->parse;
	return $self;
}

# prepare(COMMAND): runs the shell command in the working directory before everything else
sub prepare
{
	my ($self, $command) = @_;

	push @{ $self->{prepared} }, $command;
}

#
# Reading
#

# Returns the text without its quotes and comments, or undef if a quote is still open.
sub bare
{
	my ($text, $is_shell) = @_;
	my $bare = '';

	pos($text) = 0;
	while (pos($text) < length $text)
	{
		if ($text =~ /\G([^'"\$\-]+)/gc) { $bare .= $1; }
		elsif ($text =~ /\G(['"])/gc)
		{
			my $quote = $1;
			return undef unless $text =~ /\G[^$quote]*$quote/gc;
			$bare .= 'quoted';
		}
		elsif (!$is_shell && $text =~ /\G(\$\w*\$)/gc)
		{
			my $end = index($text, $1, pos $text);
			return undef if $end < 0;
			pos($text) = $end + length $1;
			$bare .= 'quoted';
		}
		elsif (!$is_shell && $text =~ /\G--[^\n]*/gc) { }
		elsif ($text =~ /\G(.)/gcs) { $bare .= $1; }
	}
	return $bare;
}

sub is_complete
{
	my ($kind, $text) = @_;

	if ($kind eq 'shell')
	{
		return 0 if $text =~ /(?:\\|\||&&)\s*$/;
		return 0 if $text =~ /<<-?\s*'?(\w+)'?/ && $text !~ /\n$1\s*$/;
		my $bare = bare($text, 1);
		return 0 unless defined $bare;
		return (() = $bare =~ /(?:^|\s)\{(?=\s)/g) == (() = $bare =~ /(?:^|[\s;])\}/g);
	}
	return 1 if $text =~ /^\s*\\/;
	my $bare = bare($text, 0);
	return defined $bare && $bare =~ /(?:;|\\g\w*(?: \w+)?)\s*$/;
}

# Returns the steps of a transcript: { kind, input, output, line }
sub steps_of
{
	my ($lines, $first_line) = @_;
	my @steps;

	for (my $i = 0; $i < @$lines; $i++)
	{
		if ($lines->[$i] =~ /^(=>|\$) (.*)/)
		{
			my $step = { kind => $1 eq '$' ? 'shell' : 'psql', output => [], line => $first_line + $i };
			my $text = $2;

			$step->{prompt} = $1;
			while (!is_complete($step->{kind}, $text))
			{
				die "the input of line $step->{line} does not end\n"
				  if ++$i == @$lines || $lines->[$i] =~ /^(=>|\$) /;
				$text .= "\n$lines->[$i]";
			}
			$step->{input} = $text;
			push @steps, $step;
		}
		else { push @{ $steps[-1]{output} }, $lines->[$i]; }
	}
	return \@steps;
}

# Splits the document into text and blocks that are run.
sub parse
{
	my ($self) = @_;
	my @lines = split /\n/, slurp_file($self->{path}), -1;
	my $parts = $self->{parts};
	my $skip = 0;
	my $text = sub { push @$parts, { kind => 'text', lines => [@_] } };

	push @$parts, { kind => 'fresh', lines => [] };
	for (my $i = 0; $i < @lines; $i++)
	{
		my $line = $lines[$i];

		if ($line =~ /^## / && $self->{mode} ne 'whole')
		{
			push @$parts, { kind => 'fresh', lines => [$line] };
		}
		elsif ($line =~ /^<!-- (not run|needs|fresh database|run|superuser)\b/)
		{
			my ($what, $first) = ($1, $i);

			$i++ while $lines[$i] !~ /-->\s*$/ && $i < $#lines;
			my $comment = join "\n", @lines[ $first .. $i ];
			$skip = 1 if $what eq 'not run' || $comment =~ /^<!-- needs (\w+)/ && $self->{missing}{$1};
			my $part = { kind => 'text', lines => [ @lines[ $first .. $i ] ] };
			$part->{kind} = 'fresh' if $what eq 'fresh database';
			if ($what =~ /^(run|superuser)$/)
			{
				$part->{kind} = $what;
				($part->{sql}) = $comment =~ /^<!-- \w+\s(.*?)-->\s*$/s;
			}
			push @$parts, $part;
		}
		elsif ($line =~ /^```(.*)/)
		{
			my ($info, $first) = ($1, $i + 1);

			$i++;
			$i++ while $i < @lines && $lines[$i] !~ /^```/;
			die "$self->{name}: the block of line $first does not end\n" if $i >= @lines;
			my @block = @lines[ $first .. $i - 1 ];
			my $part = { kind => 'text', lines => [ $line, @block, $lines[$i] ] };

			if (!$skip)
			{
				if ($info =~ /file=(\S+)/)
				{
					$part->{kind} = 'file';
					$part->{file} = $1;
					$part->{content} = join '', map { "$_\n" } @block;
				}
				elsif (@block && $block[0] =~ /^(?:=>|\$) /)
				{
					$part->{kind} = 'transcript';
					$part->{fence} = $line;
					$part->{steps} = steps_of(\@block, $first + 1);
				}
			}
			$skip = 0;
			push @$parts, $part;
		}
		else { $text->($line); }
	}
}

#
# Running
#

# Runs the steps of one section in one session, and stores the output of each in {got}.
sub run_section
{
	my ($self, @parts) = @_;
	my $node = $self->{node};
	my $work = PostgreSQL::Test::Utils::tempdir();
	my ($script, $number, @steps, @shell) = ('', 0);

	return unless grep { $_->{kind} eq 'transcript' } @parts;

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS shop WITH (FORCE)');
	$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER shop');
	system_or_bail('cp', '-R', "$self->{top}/migrations", "$work/migrations");
	system_or_bail('chmod', '-R', 'u+w', "$work/migrations");

	system_or_bail('sh', '-c', "cd '$work'\n$_") foreach @{ $self->{prepared} // [] };

	my $superuser = $node->connstr('shop') . ' user=' . $self->{superuser};
	my $as_command = sub {
		my ($name, $text) = @_;
		append_to_file("$work/.$name", $text);
		return "$work/.$name";
	};

	foreach my $part (@parts)
	{
		if ($part->{kind} eq 'file')
		{
			my $file = $as_command->('file' . ++$number, $part->{content});
			$script .= "\\! mkdir -p '" . dirname($part->{file}) . "'\n\\! cp '$file' '$part->{file}'\n";
		}
		elsif ($part->{kind} eq 'run') { $script .= "$part->{sql}\n"; }
		elsif ($part->{kind} eq 'superuser')
		{
			my $file = $as_command->('super' . ++$number, $part->{sql});
			$script .= "\\! psql -X -q -v ON_ERROR_STOP=1 -d '$superuser' -f $file\n";
		}
		foreach my $step (@{ $part->{steps} // [] })
		{
			push @steps, $step;
			$script .= "\\echo '$MARK' " . scalar(@steps) . "\n";
			if ($step->{kind} eq 'shell')
			{
				my $file = $as_command->('shell' . scalar(@steps), "$step->{input}\n");
				$script .= "\\! env -u PGLOCALEDIR -u PGSYSCONFDIR bash $file 2>&1\n";
			}
			else { $script .= "$step->{input}\n"; }
			$script .= "\\echo '$MARK' end\n";
		}
	}

	append_to_file("$work/.script", $script);
	my $command = "cd '$work' && psql -X <.script >.output 2>&1";
	{
		local %ENV = %ENV;
		$ENV{PGHOST} = $node->host;
		$ENV{PGPORT} = $node->port;
		@ENV{qw(PGUSER PGDATABASE PGTZ PGCLIENTENCODING LC_ALL)} = qw(shop shop UTC UTF8 C.UTF-8);
		delete $ENV{PGAPPNAME};
		system('bash', '-c', $command);
	}

	my $current;
	foreach my $line (split /\n/, slurp_file("$work/.output"))
	{
		if ($line =~ /^$MARK (\w+)$/) { $current = $1 eq 'end' ? undef : $steps[ $1 - 1 ]; }
		elsif ($current) { push @{ $current->{got} }, $line; }
		elsif ($line =~ /^(psql:\S+ )?(ERROR|FATAL):/) { diag("$self->{name}: hidden statement: $line"); }
	}
	system('rm', '-rf', "$work/migrations", glob("$work/.[a-z]*"));
}

#
# Comparing
#

sub trimmed
{
	my @lines = map { s/\s+$//r } @_;

	pop @lines while @lines && $lines[-1] eq '';
	return @lines;
}

# Returns the text with everything that differs from run to run, or between major versions, replaced.
sub masked
{
	my ($self, $text) = @_;
	my $count = 0;

	if ($self->{node}->pg_version->major >= 19)
	{
		$text =~ s/^CONTEXT:  waiting for \w+ on .*\n/CONTEXT:  /gm;
		$text =~ s/^(?:HINT:  No function matches the given name|DETAIL:  No function of that name) .*/<no function>/gm;
		$text =~ s/\b\d+ kB\b/<size>/g;
	}

	$count += $text =~ s/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?([+-]\d\d)?/<time>/g;
	$count += $text =~ s/\b\d\d:\d\d:\d\d\.\d+\b/<elapsed>/g;
	$count += $text =~ s/\b[0-9a-f]{64}\b/<checksum>/g;
	$count += $text =~ s/\b(?=[a-f]*\d)[0-9a-f]{12}\b/<id>/g;
	$count += $text =~ s/\b(pid|process) \d+/$1 <pid>/gi;
	$count += $text =~ s/pg_terminate_backend\(\d+\)/pg_terminate_backend(<pid>)/g;
	$count += $text =~ s/\b\d+(\.\d+)?( seconds|s$)/<seconds>/gm;
	$count += $text =~ s/^psql:(\S+):\d+:/psql:$1:<line>:/gm;
	$count += $text =~ s/\bline \d+ at RAISE/line <line> at RAISE/g;
	$text =~ s/ +/ /g, $text =~ s/-+/-/g if $count;
	# Django before version 5 and after it
	$text =~ s/^ +\K[+~-](?= (?:Create model|Add field) )/*/gm;
	return $text;
}

sub matches
{
	my ($self, $step) = @_;
	my $got = $self->masked(join "\n", trimmed(@{ $step->{got} // [] }));
	my $pattern = '';

	foreach my $line (trimmed(@{ $step->{output} }))
	{
		$pattern .= $line eq '...' ? "\0any\0\n" : "$line\n";
	}
	$pattern = quotemeta $self->masked($pattern);
	my $any = quotemeta "\0any\0\n";
	$pattern =~ s/\Q$any\E/(?:.*\\n)*?/g;
	return "$got\n" =~ /^$pattern$/ || ($got eq '' && $pattern eq '');
}

# run(): runs everything, with one test for each step.  Returns whether all output
# matched the document.
sub run
{
	my ($self) = @_;
	my (@section, $wrong);

	$self->{superuser} = $self->{node}->safe_psql('postgres', 'SELECT current_user');
	foreach my $part (@{ $self->{parts} }, { kind => 'fresh' })
	{
		if ($part->{kind} eq 'fresh')
		{
			$self->run_section(@section);
			@section = ();
		}
		else { push @section, $part; }
	}
	foreach my $step (map { @{ $_->{steps} // [] } } @{ $self->{parts} })
	{
		my ($first) = split /\n/, $step->{input};

		ok($self->matches($step), "$self->{name}, line $step->{line}: $step->{prompt} $first") and next;
		$step->{wrong} = $wrong = 1;
		diag(join "\n", "$self->{name}, line $step->{line}: printed is", @{ $step->{output} },
			"--- and really was", @{ $step->{got} // ['(nothing)'] });
	}
	$self->write_as_run if $wrong;
	return !$wrong;
}

# Returns the document with the real output, to compare and to copy.
sub write_as_run
{
	my ($self) = @_;
	my $file = $PostgreSQL::Test::Utils::tmp_check . '/' . ($self->{name} =~ s{/}{-}gr);
	my @lines;

	foreach my $part (@{ $self->{parts} })
	{
		if ($part->{kind} ne 'transcript')
		{
			push @lines, @{ $part->{lines} // [] };
			next;
		}
		push @lines, $part->{fence};
		foreach my $step (@{ $part->{steps} })
		{
			my @input = split /\n/, $step->{input};

			push @lines, "$step->{prompt} " . shift(@input), @input;
			my $last = $step == $part->{steps}[-1];
			if ($step->{wrong})
			{
				my @got = trimmed(@{ $step->{got} // [] });
				push @lines, @got, @got && !$last && $got[-1] =~ /^\(\d+ rows?\)$/ ? '' : ();
			}
			else { push @lines, @{ $step->{output} }; }
		}
		push @lines, '```';
	}
	unlink $file;
	append_to_file($file, join "\n", @lines);
	diag("$self->{name} as it was run: $file");
}

1;
