# Copyright (c) 2026, the pg_cmig developers

# Reduces a failing pair to a smaller one.

package SchemaJudge;

use strict;
use warnings;

# shrink(A, B, OPTION => VALUE...): returns a smaller pair that fails for the same cause
sub shrink
{
	my ($self, $text_a, $text_b, %options) = @_;
	my $wanted = $self->judge($text_a, $text_b, %options)->{cause};
	my $say = $options{say} // sub { };

	return ($text_a, $text_b) if $wanted eq '';
	my @pair = ([ split_statements($text_a) ], [ split_statements($text_b) ]);
	my $fails = sub {
		my ($list_a, $list_b) = @_;
		my ($x, $y) = map { $self->loadable(join("\n", @$_)) } $list_a, $list_b;

		return undef if $self->judge($x, $y, %options)->{cause} ne $wanted;
		return [ [ split_statements($x) ], [ split_statements($y) ] ];
	};

	# remove half of the remaining statements, then a quarter, and so on
	my $size = @{ $pair[0] } + @{ $pair[1] };
	while ($size >= 1)
	{
		my @units = units(@pair);
		$size = @units if $size > @units;
		my $removed = 0;

		for (my $start = 0; $start < @units; $start += $size)
		{
			my %gone = map { $_ => 1 } grep { defined } @units[ $start .. $start + $size - 1 ];
			my $smaller = $fails->(map { [ grep { !$gone{$_} } @$_ ] } @pair);

			next if !$smaller;
			@pair = @$smaller;
			$removed = 1;
			$say->(scalar(@{ $pair[0] }) . ' + ' . scalar(@{ $pair[1] }) . ' statements');
			last if !units(@pair);
		}
		$size = $removed && $size > 1 ? int($size / 2) : $removed ? 1 : int($size / 2);
	}

	# remove items from the lists in statements' parentheses
	for my $side (0, 1)
	{
		for (my $i = 0; $i < @{ $pair[$side] }; $i++)
		{
			my $old = $pair[$side][$i];
			my @items = items($old);

			for my $item (@items)
			{
				my $current = $pair[$side][$i];
				my $new = without_item($current, $item);
				next if $new eq $current;
				my $smaller = $fails->(map { [ map { $_ eq $current ? $new : without_shared($_, $current, $item) } @$_ ] } @pair);

				next if !$smaller || $#{ $smaller->[$side] } < $i;
				@pair = @$smaller;
			}
		}
	}
	return map { join("\n", @$_) . "\n" } @pair;
}

# Returns the statements of both sides, each one once.
sub units
{
	my %seen;

	return grep { !$seen{$_}++ } map { @$_ } @_;
}

# Returns the items in the outermost parentheses of CREATE TABLE, CREATE TYPE, and so on.
sub items
{
	my ($statement) = @_;
	my ($depth, $from, @items) = (0, undef);

	return () if $statement !~ /\(/ || $statement =~ /^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|RULE|VIEW)/;
	while ($statement =~ /\G(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|(.))/gs)
	{
		next if !defined $2;
		if ($2 eq '(')
		{
			$from = pos($statement) if $depth++ == 0;
		}
		elsif ($2 eq ')' || $2 eq ',')
		{
			push @items, substr($statement, $from, pos($statement) - 1 - $from) if $depth == 1;
			$from = pos($statement) if $depth == 1;
			last if $2 eq ')' && --$depth == 0;
		}
	}
	return @items > 1 ? @items : ();
}

sub without_item
{
	my ($statement, $item) = @_;
	my $quoted = quotemeta($item);

	return $statement if $statement =~ s/\($quoted,/(/s || $statement =~ s/,$quoted(?=[,)])//s;
	return $statement;
}

# Removes the same item from the other side's statement with the same beginning.
sub without_shared
{
	my ($statement, $other, $item) = @_;
	my ($head) = $other =~ /^([^(]*\()/;

	return $statement if !defined $head || index($statement, $head) != 0;
	return without_item($statement, $item);
}

1;
