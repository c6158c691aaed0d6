# Copyright (c) 2026, the pg_cmig developers

# The scripts of revisions and schemas in sql/ and t/data, as one chain, in a database without the
# extension and in one that has it: both have the same schema and rows, upwards and
# downwards.  Those whose script does not run in psql, where it stands in the chain, are left out.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use List::Util 'first';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'DBD::Pg is not installed' unless need_tool('DBD::Pg', 'perl', '-MDBD::Pg', '-e', '1');
require DBI;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('engine_suites', 'max_locks_per_transaction = 1024');

$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN');
for my $name ('plain', 'far', 'near')
{
	$node->safe_psql('postgres', "CREATE DATABASE $name OWNER regress_owner");
	$node->safe_psql($name, 'ALTER SCHEMA public OWNER TO regress_owner');
}
$node->safe_psql('near', "CREATE EXTENSION pg_cmig; SELECT cmig.grant_access('regress_owner', 'owner')");
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', PostgreSQL::Test::Utils::tempdir_short());
chdir $dir or die;
mkdir 'migrations';
append_to_file('cmig.conf', "folder = migrations\n");

# does the script run, in one transaction or, with an option, without?  A psql for each of these would take ten times as long.
my $plain = DBI->connect('dbi:Pg:dbname=plain', '', '', { PrintError => 0, PrintWarn => 0 }) or die;
sub runs
{
	my ($script, @options) = @_;
	my $output;

	return IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'plain' ], '<', \$script, '>&', \$output) if @options;
	# what one script leaves in the session is not there for the next one
	$plain->do($_) or die $plain->errstr foreach 'DISCARD ALL', 'SET client_min_messages = error', 'BEGIN';
	return 1 if $plain->do($script) && $plain->do('COMMIT');
	$plain->do('ROLLBACK');
	return 0;
}
sub dump_of
{
	my $out;

	IPC::Run::run([ 'pg_dump', '-U', $superuser, '-x', '-N', 'cmig*', '-d', $_[0] ], '>', \$out) or die;
	return join("\n", sort grep { !/^(--|\\(un)?restrict|.*EXTENSION|$)/ } split(/\n/, $out));
}
sub same
{
	my ($what) = @_;
	my %dump = map { $_ => dump_of($_) } 'far', 'near';

	ok($dump{far} eq $dump{near}, "$what: the same schema and rows") and return;
	my %count;
	for my $name ('far', 'near') { $count{$_} += $name eq 'far' ? 1 : -1 for split /\n/, $dump{$name}; }
	diag(join("\n", grep { defined } (map { ($count{$_} > 0 ? 'far: ' : 'near: ') . $_ } grep { $count{$_} } sort keys %count)[0 .. 40]));
}

my $literal = qr/'(?:[^']|'')*'|\$(\w*)\$.*?\$\g{-1}\$/s;
my (@chain, %seen);
for my $file (sort glob("$CmigNode::top/{sql,t/data/*}/*.sql"))
{
	my $text = slurp_file($file) =~ s/^\s*--.*\n//mgr;
	my ($schema) = $file =~ m{(\w+)\.sql$};
	my $number = 0;

	# a file of a schema is one script
	$text = "'" . $text =~ s/'/''/gr . "'" if $file =~ /diff_pairs/;
	while ($text =~ /(?<up>$literal)(?:,\s*(?<down>$literal))?/g)
	{
		my ($up, $down) = ($+{up}, $+{down} // '');

		for ($up, $down) { s/^'(.*)'$/$1 =~ s{''}{'}gr/se or s/^\$(\w*)\$(.*)\$\1\$$/$2/s; }
		# a script of revisions, and nothing that depends on when, where, and by whom it is run
		next if $seen{$up}++ || $up !~ /^\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|COMMENT|GRANT|REVOKE|DO|TRUNCATE|WITH)\s/i ||
		  "$up$down" =~ /cmig|^\\|\\g|now\(|current_|clock_|random|tx|xact|pid\(|rollback|commit;|sleep|\bstdin\b|application_name|\bdatabase\b|\brole\b|session|\$\{/im;
		# in the schema of the file, or in one of its own
		my @found = map { "CREATE SCHEMA IF NOT EXISTS $_; SET search_path = $_, public;\n" } "in_$schema", "in_${schema}_" . ++$number;
		my $path = first { runs("$_$up") } @found[0 .. ($up =~ /^\s*CREATE/i ? 1 : 0)];
		my @options;
		if (!defined $path && $up =~ /concurrently|vacuum|add value/i && runs("$found[0]$up", 'psql')) { ($path, @options) = ($found[0], 'no'); }
		next if !defined $path;
		$_ = "$path$_" for $up, $down;
		push @chain, { up => $up, down => $down =~ /^.*\n\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|TRUNCATE)\s/i ? $down : 'SELECT 1', options => \@options };
	}
}
cmp_ok(scalar(@chain), '>', 200, 'number of revisions');
note(scalar(@chain) . ' revisions');
for my $i (reverse 0 .. $#chain)
{
	my $revision = $chain[$i];

	# what psql cannot revert
	$revision->{down} = 'SELECT 1' if !runs($revision->{down}, @{ $revision->{options} });
	write_revision(sprintf('%04d', $i), $i ? sprintf('%04d', $i - 1) : '', @{ $revision->{options} } ? '-- transactional: false' : '', $revision->{up}, $revision->{down});
}
for my $name ('near', 'far')
{
	my ($status, $output, $errors) = cmig('upgrade', '-y', '-q', '-d', $name, $name eq 'far' ? ('--engine', 'local') : '--stepwise');
	is($status, 0, "$name: upgrade") or diag($errors);
}
same('upgrade');
for my $name ('near', 'far')
{
	my ($status, $output, $errors) = cmig('downgrade', 'base', '-y', '-q', '-d', $name, $name eq 'far' ? ('--engine', 'local') : '--stepwise');
	is($status, 0, "$name: downgrade") or diag($errors);
}
same('downgrade');

$node->stop;
done_testing();
