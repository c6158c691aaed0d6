# Copyright (c) 2026, the pg_cmig developers

# Compares two dumps, entry by entry.

package SchemaJudge;

use strict;
use warnings;

# dump(DATABASE): returns the output of pg_dump -s without the parts that differ each
# time.  There are no security labels, because nobody has loaded a provider of them.
sub dump
{
	my ($self, $database) = @_;
	my ($status, $out, $err) = $self->run("$self->{bin}pg_dump", qw(-s --no-security-labels), @{ $self->{dump} }, $database);

	die "pg_dump: $err\n" if $status != 0;
	$out =~ s/^\\(?:un)?restrict .*\n//mg;
	# the schemas of pg_cmig and what is in them are not compared
	$out =~ s/^--\n-- Name: (?:[^\n]*; Schema: cmig(?:_audit)?; |SCHEMA cmig(?:_audit)?; ).*?(?=^--\n-- (?:Name: |PostgreSQL database dump complete))//msg;
	# the triggers of the audit log carry ids, and are not compared
	$out =~ s/^--\n-- Name: [^\n]* cmig_audit_\w+; Type: TRIGGER;.*?;\n+(?=--\n)//msg;
	# 18 prints the names of NOT NULL constraints, which are not compared
	$out =~ s/\bCONSTRAINT (?:"(?:[^"]|"")*"|[^\s"]+) (?=NOT NULL\b)//g;
	return $out;
}

# Returns the entries of a dump, each with its comment line, without the SET commands
# between them.
sub entries
{
	my ($dump) = @_;
	my @entries = split(/^--\n(?=-- (?:Name|Data for Name): )/m, $dump);

	shift @entries;
	for (@entries)
	{
		s/^--\n-- PostgreSQL database dump complete\n.*//ms;
		s/^SET default_\w+ = .*\n//mg;
		s/\n+\z/\n/;
		# privileges are printed in the order in which they were granted
		$_ = join('', sort split(/^/m)) if /; Type: (?:DEFAULT )?ACL;/;
	}
	return @entries;
}

# Returns a list of columns and constraints in alphabetical order.
sub without_column_order
{
	my ($entry) = @_;

	my $name = qr/(?:"(?:[^"]|"")*"|[^\s"(,])+/;

	$entry =~ s{^((?:CREATE (?:UNLOGGED |FOREIGN )?TABLE|CREATE TYPE $name AS)(?: $name)?(?: OF $name)? \($)(.*?)(^\))}
	  {
		my ($head, $body, $tail) = ($1, $2, $3);
		$head . "\n" . join('', sort map { s/,\z//r . "\n" } grep { length } split(/\n(?=    |\t)/, $body =~ s/\n\z//r)) . $tail
	  }mse;
	$entry =~ s{((?:^ALTER TABLE ONLY [^\n]* ALTER COLUMN [^\n]*;\n)+)}{join('', sort split(/^/m, $1))}me;
	$entry =~ s{^(CREATE STATISTICS $name(?: \([\w, ]*\))? ON )($name(?:, $name)*)((?:, .*)? FROM )}{ my ($head, $list, $tail) = ($1, $2, $3); $head . join(', ', sort $list =~ /$name/g) . $tail }me;
	$entry =~ s{^(ALTER PUBLICATION $name ADD TABLE ONLY $name \()($name(?:, $name)*)(\))}{ my ($head, $list, $tail) = ($1, $2, $3); $head . join(', ', sort $list =~ /$name/g) . $tail }me;
	return $entry;
}

# Returns the end of a CREATE TABLE statement with the parent tables in alphabetical
# order.
sub sorted_parents
{
	my ($rest) = @_;
	my $name = qr/(?:"(?:[^"]|"")*"|[^\s,"()])+/;

	$rest =~ s{^INHERITS \(($name(?:, $name)*)\)}{ my $list = $1; 'INHERITS (' . join(', ', sort $list =~ /$name/g) . ')' }me;
	return $rest;
}

# Returns the entries without the columns that child tables repeat, and with the parent
# tables sorted.  If a table had a column before it inherited the column, pg_dump prints
# the column for the child, too, and no statement can change that.  INHERIT adds a parent
# after the others, and removing a parent to add it again would make its columns the
# child's own.
sub without_inherited
{
	my @entries = @_;
	my $create = qr/^CREATE (?:UNLOGGED |FOREIGN )?TABLE (\S.*?) \(\n(.*?)^\)(.*)/ms;
	my $word = qr/^\s+((?:CONSTRAINT )?(?:"(?:[^"]|"")*"|[^\s,]+))/;
	my $column = qr/"(?:[^"]|"")*"|[^\s"]+/;
	my $collation = qr/[\w.]*(?:"(?:[^"]|"")*")?/;
	my $check = qr/; Type: CHECK CONSTRAINT; .*^ALTER TABLE (\S[^\n]*)\n    ADD CONSTRAINT ($column) CHECK /ms;
	my (%own, %parents, @defaults, %not_null);

	for (@entries)
	{
		next if !/$create/;
		my ($name, $body, $rest) = ($1, $2, $3);
		$not_null{$name} = { map { / NOT NULL,?$/ && /$word/ ? ($1 => 1) : () } split(/\n(?=    )/, $body =~ s/\n\z//r) };
		# 18 prints it by itself if the column is inherited
		$not_null{$name}{$1} = 1 while $body =~ /^\s+NOT NULL ($column),?$/mg;
		$own{$name} = { map { /$word/ ? ($1 => 1) : () } split(/\n(?=    )/, $body =~ s/\n\z//r) };
		$parents{$name} = $rest =~ /^INHERITS \(((?:"(?:[^"]|"")*"|[^"()])*)\)/m ? [ $1 =~ /((?:"(?:[^"]|"")*"|[^\s,"])+)/g ] : [];
	}
	# a constraint that is not valid is printed by itself
	for (@entries)
	{
		$own{$1}{"CONSTRAINT $2"} = 1 if /$check/;
	}
	my $all;
	$all = sub { my ($name) = @_; map { (keys %{ $own{$_} // {} }, $all->($_)) } @{ $parents{$name} // [] } };
	my $above;
	$above = sub { my ($name, $column) = @_; grep { $not_null{$_}{$column} || $above->($_, $column) } @{ $parents{$name} // [] } };
	@entries = grep { my $repeated = /$check/ && "CONSTRAINT $2"; my $name = $1; !$repeated || !grep { $_ eq $repeated } $all->($name) } @entries;
	for (@entries)
	{
		# NOT NULL, too, if the parent's column is not
		push @defaults, "$1 $2 NOT NULL" while /^INHERITS \(/m && s/^ALTER TABLE ONLY (\S[^;]*?) ALTER COLUMN ($column) SET NOT NULL;\n//m;
		s{$create}
		{
			my ($name, $body, $rest) = ($1, $2, $3);
			my %inherited = map { $_ => 1 } $all->($name);
			my @own = split(/\n(?=    )/, $body =~ s/\n\z//r);

			# a default is printed in the column or, if that is inherited, by itself
			push @defaults, map { /$word.*? DEFAULT (.*?)(?: COLLATE $collation)?(?: NOT NULL)?,?\z/s && $inherited{$1} ? "$name $1 $2" : () } @own;
			push @defaults, map { / NOT NULL,?$/ && /$word/ && $inherited{$1} && !$above->($name, $1) ? "$name $1 NOT NULL" : () } @own;
			push @defaults, map { /^\s+NOT NULL ($column),?$/ && !$above->($name, $1) ? "$name $1 NOT NULL" : () } @own;
			@own = grep { !/^\s+NOT NULL $column,?$/ } @own;
			"CREATE TABLE $name (\n" . join('', map { /$word/ && $inherited{$1} ? () : "$_\n" } @own) . ')' . sorted_parents($rest)
		}se if /^INHERITS \(/m;
		$_ = "$1 $2 $3" if /; Type: DEFAULT; .*^ALTER TABLE ONLY (\S.*?) ALTER COLUMN ($column) SET DEFAULT (.*);$/ms && @{ $parents{$1} // [] };
	}
	return sort @entries, @defaults;
}

# compare_dumps(GOT, WANTED): ('equal' | 'order' | 'columns' | 'inherited' |
# 'differs', where, TOC kinds)
sub compare_dumps
{
	my ($got, $wanted) = @_;

	return ('equal') if $got eq $wanted;
	my @got = sort(entries($got));
	my @wanted = sort(entries($wanted));

	return ('order') if "@got" eq "@wanted";
	@got = sort map { without_column_order($_) } @got;
	@wanted = sort map { without_column_order($_) } @wanted;
	return ('columns') if "@got" eq "@wanted";
	return ('inherited') if join(' ', without_inherited(@got)) eq join(' ', without_inherited(@wanted));

	my (%got, %wanted);
	$got{$_}++ for @got;
	$wanted{$_}++ for @wanted;
	my @extra = grep { !$wanted{$_} } @got;
	my @missing = grep { !$got{$_} } @wanted;
	my %kinds = map { /; Type: ([^;]+);/ ? ($1 => 1) : () } @extra, @missing;
	return ('differs', first_difference(join("\n", @extra), join("\n", @missing)), join(', ', sort keys %kinds));
}

# Returns the first lines in which two texts differ, in the form of a diff.
sub first_difference
{
	my ($got, $wanted) = @_;
	my @got = split(/\n/, $got);
	my @wanted = split(/\n/, $wanted);
	my $head = '';

	while (@got && @wanted && $got[0] eq $wanted[0])
	{
		$head = $got[0] if $got[0] =~ /^-- Name: /;
		shift @got;
		shift @wanted;
	}
	splice(@got, 9) if @got > 9;
	splice(@wanted, 9) if @wanted > 9;
	return join("\n", ($head ? "    $head" : ()), (map { "  got    $_" } @got), (map { "  wanted $_" } @wanted));
}

1;
