# Copyright (c) 2026, the pg_cmig developers

# Runs a random history of statements of both builds while a table is expanded, with
# expressions that lose information in both directions, and compares the rows that each
# build sees with a model.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $statements = $ENV{CMIG_STATEMENTS} // 20000;
my $seed = $ENV{CMIG_SEED} // 29;
srand $seed;

my $node = new_node('expand_random', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE t (id int PRIMARY KEY, name text, cents int NOT NULL DEFAULT 7, note text DEFAULT 'none');
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: change
-- expand: true
-- cmig:upgrade
ALTER TABLE t ALTER name SET DEFAULT 'Anon';
-- cmig:up t.name = upper(name)
-- cmig:down t.name = lower(name)
ALTER TABLE t ADD amount numeric(10, 1) NOT NULL DEFAULT 0.5;
-- cmig:up t.amount = cents / 100.0
ALTER TABLE t DROP cents;
-- cmig:down t.cents = amount * 100
ALTER TABLE t RENAME note TO remark;
-- cmig:downgrade
$c$);
SELECT FROM cmig.upgrade('001');
INSERT INTO t SELECT g, 'Start' || g, g * 11 FROM generate_series(1, 50) g;
END_SQL

# the model: what each build sees of a row
my %rows;
sub one { return sprintf '%.1f', int($_[0] / 10 + 0.5) / 10 }
sub up { my ($row) = @_; $row->{full} = defined $row->{name} ? uc $row->{name} : undef; return }
sub down { my ($row) = @_; $row->{name} = defined $row->{full} ? lc $row->{full} : undef; return }
$rows{$_} = { name => "Start$_", full => "START$_", cents => $_ * 11, amount => one($_ * 11), note => 'none' } foreach 1 .. 50;

sub quote { return defined $_[0] ? "'$_[0]'" : 'NULL' }
sub any { return $_[ int rand @_ ] }
sub some_name { return rand() < 0.1 ? undef : any(qw(Ada bob CY dEE)) . int rand 5 }

# changes one column of a row, as the old or the new build
sub set
{
	my ($row, $old, $column, $value) = @_;
	my $before = $row->{$column};

	$row->{$column} = $value;
	return if (defined $before ? "x$before" : '') eq (defined $value ? "x$value" : '');
	if ($column eq 'name') { up($row) }
	elsif ($column eq 'full') { down($row) }
	elsif ($column eq 'cents') { $row->{amount} = one($value) }
	elsif ($column eq 'amount') { $row->{cents} = sprintf '%d', $value * 100 + 0.5 }
	return;
}

my $sql = '';
my $next = 51;
my @ids = 1 .. 50;
foreach (1 .. $statements)
{
	my $old = rand() < 0.5;
	my $t = $old ? 'public.t' : 'public_042.t';
	my ($name, $number, $note) = $old ? qw(name cents note) : qw(name amount remark);
	my $key = $old ? 'name' : 'full';
	my $what = rand;

	if ($what < 0.35)
	{
		# INSERT, with columns left out, by VALUES, SELECT, or COPY's way
		my %new = (note => 'none', $old ? (name => undef, cents => 7) : (full => 'Anon', amount => '0.5'));
		my (@columns, @values);
		my $id = $next++;

		if (rand() < 0.8) { my $v = some_name(); $new{$key} = $v; push @columns, $name; push @values, quote($v) . '::text' }
		if (rand() < 0.8) { my $v = int rand 1000; $v = one($v * 10) unless $old; $new{$number} = $v; push @columns, $number; push @values, $v }
		if (rand() < 0.3) { $new{note} = 'x'; push @columns, $note; push @values, q{'x'::text} }
		my $list = join ', ', 'id', @columns;
		my $row = join ', ', $id, @values;

		if ($old) { up(\%new); $new{amount} = one($new{cents}) }
		else { down(\%new); $new{cents} = sprintf '%d', $new{amount} * 100 + 0.5 }
		$rows{$id} = \%new;
		push @ids, $id;
		$sql .= any("INSERT INTO $t ($list) VALUES ($row);\n", "INSERT INTO $t ($list) SELECT $row FROM generate_series(1, 1);\n",
			"INSERT INTO $t ($list) SELECT * FROM (SELECT $row ORDER BY random()) AS s;\n",
			"WITH i AS (INSERT INTO $t ($list) VALUES ($row) RETURNING *) SELECT FROM i;\n");
	}
	elsif ($what < 0.75 && @ids)
	{
		# UPDATE of some or of all columns, often with the same values
		my $id = any(@ids);
		my $row = $rows{$id};
		my (@set, %new);

		$new{$key} = rand() < 0.5 ? $row->{$key} : some_name() if rand() < 0.6;
		$new{$number} = rand() < 0.5 ? $row->{$number} : $old ? int rand 1000 : one(int rand 10000) if rand() < 0.6;
		$new{note} = any('none', 'y', 'z') if !%new || rand() < 0.3;
		foreach my $column (sort keys %new)
		{
			push @set, ($column eq $key ? "$name = " . quote($new{$column}) : $column eq 'note' ? "$note = '$new{note}'" : "$number = $new{$column}");
			set($row, $old, $column, $new{$column});
		}
		$sql .= "UPDATE $t SET " . join(', ', @set) . " WHERE id = $id;\n";
	}
	elsif ($what < 0.85 && @ids)
	{
		# ON CONFLICT
		my $id = any(@ids);
		my $v = some_name();

		set($rows{$id}, $old, $key, $v);
		$sql .= "INSERT INTO $t (id, $name) VALUES ($id, " . quote($v) . ") ON CONFLICT (id) DO UPDATE SET $name = EXCLUDED.$name;\n";
	}
	elsif ($what < 0.9 && @ids)
	{
		my $id = any(@ids);

		delete $rows{$id};
		@ids = grep { $_ != $id } @ids;
		$sql .= "DELETE FROM $t WHERE id = $id;\n";
	}
	elsif ($what < 0.95 && @ids)
	{
		# several rows at once
		my $least = any(@ids);

		foreach my $id (grep { $_ >= $least && $_ < $least + 20 } @ids)
		{
			set($rows{$id}, $old, $number, $old ? $rows{$id}{cents} + 10 : sprintf '%.1f', $rows{$id}{amount} + 1);
		}
		$sql .= "UPDATE $t SET $number = $number + " . ($old ? 10 : 1) . " WHERE id >= $least AND id < $least + 20;\n";
	}
	else
	{
		# what fails, or is rolled back, leaves no mark behind
		my $id = @ids ? any(@ids) : 0;

		$sql .= any("INSERT INTO $t (id) VALUES ($id);\n", "BEGIN; INSERT INTO $t (id) VALUES (0); SAVEPOINT s; INSERT INTO $t (id) SELECT 1 / 0; ROLLBACK;\n",
			"INSERT INTO public.t (id, cents) SELECT $id, 1 / (g - 1) FROM generate_series(1, 1) g;\n",
			"DO \$\$BEGIN INSERT INTO $t (id) VALUES (-1); RAISE 'x'; EXCEPTION WHEN OTHERS THEN END\$\$;\n");
	}
}

$node->safe_psql('postgres', 'CALL cmig.expand()');
my $file = PostgreSQL::Test::Utils::tempdir() . '/history.sql';
append_to_file($file, "SET client_min_messages = fatal;\n$sql");
my ($out, $err) = ('', '');
IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$out, '2>', \$err);

sub text_of { return join "\n", map { my $id = $_; join '|', $id, map { $_ // '' } @{ $rows{$id} }{@_} } sort { $a <=> $b } keys %rows }
sub first_difference
{
	my ($got, $expected) = @_;
	my %want = map { $_ => 1 } split /\n/, $expected;

	return (grep { !$want{$_} } split /\n/, $got)[0] // '';
}

my $old = $node->safe_psql('postgres', 'SELECT id, name, cents, note FROM t ORDER BY id');
my $new = $node->safe_psql('postgres', 'SELECT id, name, amount, remark FROM public_042.t ORDER BY id');
ok($old eq text_of(qw(name cents note)), "what the old build sees after $statements statements, seed $seed")
  or diag(first_difference($old, text_of(qw(name cents note))));
ok($new eq text_of(qw(full amount note)), 'what the new build sees')
  or diag(first_difference($new, text_of(qw(full amount note))));
$node->safe_psql('postgres', 'CALL cmig.contract()');
is($node->safe_psql('postgres', 'SELECT id, name, amount, remark FROM t ORDER BY id'), $new, 'the same after the contraction');
cmp_ok(scalar(split /\n/, $new), '>', $statements / 20, 'there are rows');

done_testing();
