# Copyright (c) 2026, the pg_cmig developers

# Triggers, rules, policies, and statistics objects.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND, @ROLES);

$KIND{trigger} = {
	prefix => 'trg',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'table', 'view' ], sub { !$_[1]{parent} }) or return 0;
		my $f = trigger_function() or return 0;

		@$o{qw(table function)} = (ref_to($t), ref_to($f));
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(1, 2), @c) ];
		return 1;
	},
	attrs => [
		time => sub { pick('BEFORE', 'AFTER') }, events => sub { [ sort(some(number(1, 3), 'INSERT', 'UPDATE', 'DELETE')) ] }, row => sub { chance(60) },
		of => sub { chance(20) }, when => sub { chance(25) ? dice() + 1 : undef }, transition => sub { chance(15) }, constraint => sub { chance(12) ? pick(' NOT DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED', ' DEFERRABLE') : undef },
		enabled => sub { chance(20) ? pick('DISABLE', 'ENABLE REPLICA', 'ENABLE ALWAYS') : undef }, args => sub { chance(15) ? "'a', 'it''s'" : '' },
	],
	class => 'TRIGGER', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	valid => sub { my ($o) = @_; !of($o->{table})->{parent} },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});
		my $view = $t->{kind} eq 'view';
		my ($time, $row, $constraint) = ($o->{time}, $o->{row}, $view ? undef : $o->{constraint});
		my @events = @{ $o->{events} };
		my $referencing = '';
		my $columns = $o->{of} && !($view && $row) ? ' OF ' . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} }) : '';
		my $when = $o->{when};

		($time, $when) = ('INSTEAD OF', undef) if $view && $row;
		($time, $row) = ('AFTER', 1) if $constraint;
		if ($o->{transition} && $time eq 'AFTER' && !$view && !$constraint && !($row && ($t->{partition} || $t->{inherits} || has_children($t))))
		{
			($columns, @events) = ('', $events[0]);
			$referencing = " REFERENCING " . ($events[0] eq 'INSERT' ? 'NEW TABLE AS new_rows' : $events[0] eq 'DELETE' ? 'OLD TABLE AS old_rows' : 'OLD TABLE AS old_rows NEW TABLE AS new_rows');
		}
		my $ref = $o->{columns_}[0];
		$when = undef if !$row || $time eq 'BEFORE' && column_of($ref)->{generated};
		my $prefix = grep({ $_ eq 'DELETE' } @events) ? 'old.' : 'new.';
		$when = undef if $prefix eq 'old.' && grep { $_ eq 'INSERT' } @events;
		my @sql = "CREATE " . ($constraint ? 'CONSTRAINT ' : '') . "TRIGGER " . q_($o->{name}) . " $time " . join(' OR ', map { $_ eq 'UPDATE' ? "UPDATE$columns" : $_ } @events) . " ON " . q_name($t)
		  . ($constraint // '') . $referencing . " FOR EACH " . ($row ? 'ROW' : 'STATEMENT')
		  . (defined $when ? " WHEN (" . condition($ref, $when, $prefix) . ")" : '') . " EXECUTE FUNCTION " . q_name(of($o->{function})) . "($o->{args})";
		push @sql, "ALTER TABLE " . q_name($t) . " " . ($o->{enabled} =~ /^DISABLE/ ? 'DISABLE' : $o->{enabled}) . " TRIGGER " . q_($o->{name}) if $o->{enabled} && !$view;
		return @sql;
	},
};

$KIND{rule} = {
	prefix => 'rule',
	init => sub { my ($o) = @_; my ($t) = some(1, grep { !$_->{parent} } objects('table', 'view')) or return 0; $o->{table} = ref_to($t); 1 },
	attrs => [ event => sub { pick('INSERT', 'UPDATE', 'DELETE') }, action => \&dice, enabled => sub { chance(15) ? pick('DISABLE', 'ENABLE ALWAYS') : undef }, other => sub { my ($t) = some(1, grep { !$_->{parent} } objects('table')); $t ? ref_to($t) : undef } ],
	class => 'RULE', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});
		my $action = nth($o->{action}, 'INSTEAD NOTHING', 'ALSO SELECT 1', 'ALSO NOTIFY something', $o->{other} && of($o->{other}) && $o->{other}{o} != $o->{table}{o} ? 'ALSO DELETE FROM ' . q_name(of($o->{other})) . ' WHERE false' : 'INSTEAD NOTHING', 'ALSO (SELECT 1; NOTIFY x)');
		my @sql = "CREATE RULE " . q_($o->{name}) . " AS ON $o->{event} TO " . q_name($t) . " DO $action";

		push @sql, "ALTER TABLE " . q_name($t) . " $o->{enabled} RULE " . q_($o->{name}) if $o->{enabled} && $t->{kind} eq 'table';
		return @sql;
	},
};

$KIND{policy} = {
	prefix => 'policy',
	init => sub { my ($o) = @_; my ($t, @c) = table_with([ 'table' ], sub { 1 }) or return 0; $o->{table} = ref_to($t); $o->{column} = ref_to($t, pick(@c)->{id}); 1 },
	attrs => [
		restrictive => sub { chance(20) }, command => sub { pick('ALL', 'ALL', 'SELECT', 'INSERT', 'UPDATE', 'DELETE') }, roles => sub { chance(50) ? [ some(number(1, 2), @ROLES) ] : undef },
		using => \&dice, check => sub { chance(50) ? dice() : undef }, other => sub { my ($t) = some(1, objects('table')); chance(20) && $t ? ref_to($t) : undef },
	],
	class => 'POLICY', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $using = condition($o->{column}, $o->{using});
		my $check = defined $o->{check} ? condition($o->{column}, $o->{check}) : undef;

		$using .= ' AND EXISTS (SELECT FROM ' . q_name(of($o->{other})) . ')' if $o->{other} && of($o->{other});
		$check //= 'true' if $o->{command} eq 'INSERT';
		return "CREATE POLICY " . q_($o->{name}) . " ON " . q_name(of($o->{table})) . ($o->{restrictive} ? ' AS RESTRICTIVE' : '') . " FOR $o->{command}"
		  . ($o->{roles} ? ' TO ' . join(', ', map { q_($_) } @{ $o->{roles} }) : '') . ($o->{command} ne 'INSERT' ? " USING ($using)" : '')
		  . (defined $check && $o->{command} !~ /SELECT|DELETE/ ? " WITH CHECK ($check)" : '');
	},
};

$KIND{statistics} = {
	class => 'STATISTICS', in_schema => 1, owner => 1, prefix => 'stat',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'matview' ], sub { has_btree(type_of($_[0])) }) or return 0;

		return 0 if @c < 2;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(2, 3), @c) ];
		return 1;
	},
	valid => sub { my ($o) = @_; !grep { !has_btree(type_of(column_of($_))) } @{ $o->{columns_} } },
	attrs => [ kinds => sub { chance(50) ? [ sort(some(number(1, 3), qw(ndistinct dependencies mcv))) ] : undef }, expression => sub { chance(30) ? dice() : undef }, target_ => sub { chance(20) ? number(0, 500) : undef } ],
	sql => sub {
		my ($o) = @_;
		my @list = map { q_(column_of($_)->{name}) } @{ $o->{columns_} };

		$list[0] = '((' . (expression($o->{columns_}[0], $o->{expression}))[0] . '))' if defined $o->{expression};
		return ("CREATE STATISTICS " . q_name($o) . ($o->{kinds} ? ' (' . join(', ', @{ $o->{kinds} }) . ')' : '') . " ON " . join(', ', @list) . " FROM " . q_name(of($o->{table})),
			defined $o->{target_} ? "ALTER STATISTICS " . q_name($o) . " SET STATISTICS $o->{target_}" : ());
	},
};

1;
