# Copyright (c) 2026, the pg_cmig developers

# Each option of each verb in the table of cmig does something, or is refused: no verb reads an
# option and then ignores it.  A psql that does nothing runs in place of psql, and bash's trace
# shows which functions look at the option or its value.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $program = "$CmigNode::top/bin/cmig";
my ($tables) = slurp_file($program) =~ /^(# options of all verbs that compare.*?)^# options of all verbs\n/ms;
my ($verbs, $options);

chdir $dir or die;
mkdir 'migrations';
append_to_file('migrations/001.sql', "-- revision: 001\n\n-- cmig:upgrade\nSELECT 1;\n");
mkdir 'other';
append_to_file('other/V1__first.sql', 'SELECT 1;');
append_to_file('target.sql', 'SELECT 1;');
# where a plan is asked for, it has a step
append_to_file('psql', <<'END_PSQL');
#!/bin/sh
[ "$1" != --version ] || echo 'psql (PostgreSQL) 17.0'
case $(cat) in *"'step'"*) printf 'step\0001\0Message\0' ;; esac
END_PSQL
chmod 0755, 'psql';
IPC::Run::run([ 'bash', '-c', "$tables\nprintf '%s' \"\$VERBS\"" ], '>', \$verbs) or die;
IPC::Run::run([ 'bash', '-c', "$tables\nprintf '%s' \"\$OPTIONS\"" ], '>', \$options) or die;
my %valued = map { /^([a-z-]+);([^;]+);/ ? ($1 => 1) : () } split /\n/, $options;

# what a verb needs for the option to be possible, and values that are not words
my %with = ('first' => [ '--scopes', 'x%' ], 'begin-with' => [ '--scopes', 'x%' ], 'max-failures' => [ '--scopes', 'x%' ], 'history-table' => ['--state'], 'version-table' => ['--state'], 'lose-data' => ['--yes']);
my %value = (first => 7654321, 'max-failures' => 7654321, limit => 7654321, timeout => 0, 'plan-checksum' => 'a' x 64, stats => 'stats', queries => 'target.sql', target => 'target.sql');
append_to_file('stats', '[]');
# documented as without an effect; or read when a file is there
my %nothing = map { $_ => 1 } ('init template', 'init package', 'history indicate-current', 'import force', 'export force');
my (@ignored, $count);

for my $line (split /\n/, $verbs)
{
	my ($verb, $arguments, $names) = split /;/, $line;

	next if !defined $names || $verb =~ /^(help|demo|completion|manual|edit)$/;
	for my $name (split ' ', $names)
	{
		my @command = ($verb, map { $_ eq 'log/deny/allow' ? 'log' : $_ eq 'RANGE' ? 'base:heads' : '001' } grep { !/^\[/ } split ' ', $arguments);
		my $value = $value{$name} // "sentinel_$name";
		my ($trace, $status, $output);

		push @command, 'flyway' if $verb eq 'import';
		push @command, 'other' if $verb eq 'import' && $name =~ /^(to|force)$/;
		push @command, 'engine' if "$verb $name" eq 'export state';
		push @command, '-m', 'Message' if $verb eq 'revision' && $name ne 'message';
		push @command, @{ $with{$name} } if $with{$name} && !($name eq 'version-table' && $verb ne 'import') && $verb ne 'create-scope';
		push @command, '--sql' if $name eq 'version-table' && $verb ne 'import' && $verb ne 'script';
		push @command, '--autogenerate', '--target', 'target.sql' if $verb eq 'revision' && $name =~ /^(schemas|compare|exclude|owners|renames|concurrently|source|stages)$/;
		push @command, '--autogenerate' if "$verb $name" eq 'revision target';
		push @command, '--stepwise' if $name eq 'in-doubt';
		push @command, '--target', 'target.sql' if $verb eq 'diff' || ($verb eq 'check' && $name =~ /^(schemas|compare|exclude|owners|renames|concurrently|source)$/);
		push @command, $valued{$name} ? ("--$name", $value) : "--$name";
		push @command, '-y' if " $names " =~ / yes / && $name ne 'yes' && !grep { $_ eq '--yes' } @command;
		$count++;
		{
			local %ENV = (%ENV, BASH_XTRACEFD => 9, PS4 => '+${FUNCNAME[0]:-}: ', CMIG_PSQL => "$dir/psql", PGDATABASE => 'x');
			IPC::Run::run([ 'bash', '-c', 'exec 9>trace; exec bash -x "$@" 9>&9', 'bash', $program, @command ], '<', \'', '>', \my $out, '2>', \$output);
			$status = $? >> 8;
		}
		$trace = slurp_file('trace');
		next if $nothing{"$verb $name"};
		# refused by its name
		next if $status == 2 && $output =~ /--\Q$name\E/;
		my $underscored = $name =~ s/-/_/gr;
		my $found = 0;
		for my $line (split /\n/, $trace)
		{
			next if $line !~ /^\++([a-z_]+): (.*)/ || $1 =~ /^(parse|keep_option|long_name|check_command|check_together|typed|exclude|allowed|given|option|is_valued|option_field|is_for_each_scope|verb_field|near|is_utf8|main|read_config)$/;
			my ($function, $text) = ($1, $2);
			$found = 1 if $text =~ /^PARAMETERS\+=/ && $text =~ /\b(\Q$underscored\E|transactional|facts|revision|precondition_sql) =>/;
			$found = 1 if $function ne 'parameters' && $text =~ /^(given|typed|option) \Q$name\E$/;
			$found = 1 if $function ne 'parameters' && $valued{$name} && index($text, $value) >= 0;
			$found = 1 if $name eq 'depends-on' && $function eq 'list';
		}
		push @ignored, "@command" if !$found;
	}
}
is_deeply(\@ignored, [], 'no option is ignored') or diag(join("\n", "of $count:", @ignored));
cmp_ok($count, '>', 150, 'all options of all verbs were tried');

# options that are ignored unless another is given
for my $line ([ '--first', 'plan', '--first', '2' ], [ '--begin-with', 'stamp', '001', '--begin-with', 'a' ], [ '--owners', 'check', '--owners' ], [ '--history-table', 'import', 'flyway', '--history-table', 'x' ],
	[ '--jobs', 'upgrade', '--jobs', '3' ], [ '--version-table', 'upgrade', '--version-table', 'x' ], [ '--dry-run', 'upgrade', '--dry-run', '--stepwise' ], [ '--rev-range', 'history', '001', '--rev-range', 'base:001' ])
{
	my ($name, @command) = @$line;
	local %ENV = (%ENV, CMIG_PSQL => "$dir/psql", PGDATABASE => 'x');
	gives(2, '^$', "^cmig: .*$name", @command);
}

done_testing();
