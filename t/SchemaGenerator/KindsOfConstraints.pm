# Copyright (c) 2026, the pg_cmig developers

# Keys, check and exclusion constraints, foreign keys, and indexes.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND);

$KIND{key} = {
	prefix => 'key', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table' ], sub { has_btree(type_of($_[0])) && !$_[1]{parent} }) or return 0;

		@c = some(number(1, 2), @c);
		@c = grep { $_->{fixed} } columns($t) if in_partition_tree($t);
		return 0 if !@c;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } @c ];
		return 1;
	},
	attrs => [
		primary => sub { my ($o) = @_; chance(50) && !grep { $_->{primary} && $_->{table}{o} == $o->{table}{o} && $_->{id} != $o->{id} } objects('key') },
		deferrable => sub { chance(15) ? pick('DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') : '' },
		nulls => sub { chance(15) },
		include => sub { my ($o) = @_; my ($c) = some(1, grep { my $x = $_; !grep { $_->{c} == $x->{id} } @{ $o->{columns_} } } columns(of($o->{table}))); chance(12) && $c ? ref_to(of($o->{table}), $c->{id}) : undef },
		options => sub { chance(10) ? ' WITH (fillfactor = ' . number(30, 90) . ')' : '' },
	],
	valid => sub {
		my ($o) = @_;
		my $t = of($o->{table});

		return 0 if grep { !has_btree(type_of(column_of($_))) } @{ $o->{columns_} };
		return 0 if $o->{primary} && grep { my $x = $_; grep { $_->{id} == $x->{c} && !$_->{generated} } () } ();
		return 0 if $t->{parent} || $t->{of_type} && $t->{partition};
		return 0 if $t->{partition} && grep { my $f = $_; !grep { $_->{c} == $f->{id} } @{ $o->{columns_} } } grep { $_->{fixed} } columns($t);
		return 0 if $o->{primary} && grep { $_->{primary} && $_->{table}{o} == $o->{table}{o} && $_->{id} < $o->{id} } objects('key');
		return 1;
	},
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . ($o->{primary} ? ' PRIMARY KEY' : ' UNIQUE' . ($o->{nulls} ? ' NULLS NOT DISTINCT' : ''))
		  . " (" . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} }) . ")" . ($o->{include} && column_of($o->{include}) ? " INCLUDE (" . q_(column_of($o->{include})->{name}) . ")" : '')
		  . $o->{options} . " $o->{deferrable}";
	},
};

$KIND{check} = {
	prefix => 'check', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'foreign_table' ], sub { !$_[1]{parent} }) or return 0;

		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(1, 2), @c) ];
		return 1;
	},
	attrs => [ n => \&dice, not_valid => sub { chance(15) }, no_inherit => sub { chance(12) } ],
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	valid => sub { my ($o) = @_; !grep { is_ancestor(of($o->{table}), $_) && $_->{id} != $o->{table}{o} && grep { $_->{name} eq $o->{name} } () } objects('table') },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});

		return "ALTER TABLE " . q_name($t) . " ADD CONSTRAINT " . q_($o->{name}) . " CHECK (" . join(' OR ', map { condition($_, $o->{n}) } @{ $o->{columns_} }) . ")"
		  . ($o->{no_inherit} && !$t->{partition} ? ' NO INHERIT' : '') . ($o->{not_valid} ? ' NOT VALID' : '');
	},
};

$KIND{foreign_key} = {
	prefix => 'fk', on => 1,
	init => sub {
		my ($o) = @_;
		my ($key) = some(1, grep { !$_->{deferrable} } objects('key')) or return 0;
		my ($t) = some(1, grep { !$_->{parent} && !$_->{of_type} && !$_->{unlogged} } objects('table')) or return 0;

		$o->{table} = ref_to($t);
		$o->{key} = ref_to($key);
		for my $r (@{ $key->{columns_} })
		{
			my $c = column_of($r) or return 0;
			my ($mine) = grep { type_text(type_of($_)) eq type_text(type_of($c)) && !$_->{generated} } columns($t);

			if (!$mine || chance(50) && !$t->{inherits})
			{
				$mine = new_column($t, plain => 1, type => dclone(type_of($c)), notnull => 0);
				push @{ $t->{columns} }, $mine;
			}
			push @{ $o->{columns_} }, ref_to($t, $mine->{id});
		}
		my %s;
		return 0 if grep { $s{ $_->{c} }++ } @{ $o->{columns_} };
		return 1;
	},
	attrs => [
		on_delete => sub { chance(50) ? pick('CASCADE', 'SET NULL', 'SET DEFAULT', 'RESTRICT') : undef },
		on_update => sub { chance(20) ? pick('CASCADE', 'SET NULL', 'RESTRICT') : undef },
		match => sub { chance(10) }, deferrable => sub { chance(20) ? pick('DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') : '' },
		not_valid => sub { chance(12) }, some_columns => sub { chance(20) },
	],
	valid => sub {
		my ($o) = @_;
		my ($key, $t) = (of($o->{key}), of($o->{table}));
		my $target = of($key->{table}) or return 0;

		return 0 if $key->{deferrable} || @{ $key->{columns_} } != @{ $o->{columns_} } || $t->{parent} || !$t->{unlogged} != !$target->{unlogged};
		for my $i (0 .. $#{ $o->{columns_} })
		{
			my ($x, $y) = (column_of($o->{columns_}[$i]), column_of($key->{columns_}[$i]));
			return 0 if !$x || !$y || class_of(type_of($x)) =~ /arr/ || type_text(type_of($x)) ne type_text(type_of($y)) || ($x->{generated} || $y->{generated}) || ($x->{collation} // '') ne ($y->{collation} // '');
		}
		return 1;
	},
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $key = of($o->{key});

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . " FOREIGN KEY (" . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} })
		  . ") REFERENCES " . q_name(of($key->{table})) . " (" . join(', ', map { q_(column_of($_)->{name}) } @{ $key->{columns_} }) . ")"
		  . ($o->{match} ? ' MATCH FULL' : '') . ($o->{on_update} ? " ON UPDATE $o->{on_update}" : '')
		  . ($o->{on_delete} ? " ON DELETE $o->{on_delete}" . ($o->{some_columns} && $o->{on_delete} eq 'SET NULL' ? ' (' . q_(column_of($o->{columns_}[0])->{name}) . ')' : '') : '')
		  . " $o->{deferrable}" . ($o->{not_valid} && !of($o->{table})->{partition} ? ' NOT VALID' : '');
	},
};

$KIND{exclusion} = {
	prefix => 'exclude', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table' ], sub { (class_of(type_of($_[0])) eq 'range' || has_btree(type_of($_[0]))) && !in_partition_tree($_[1]) }) or return 0;

		$o->{table} = ref_to($t);
		$o->{columns_} = [ ref_to($t, pick(@c)->{id}) ];
		return 1;
	},
	attrs => [ deferrable => sub { chance(20) ? 'DEFERRABLE' : '' }, where => sub { chance(30) ? dice() + 1 : undef }, n => \&dice ],
	valid => sub { my ($o) = @_; !in_partition_tree(of($o->{table})) && has_btree(type_of(column_of($o->{columns_}[0]))) },
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $r = $o->{columns_}[0];
		my $range = class_of(type_of(column_of($r))) eq 'range';

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . " EXCLUDE USING " . ($range ? 'gist' : 'btree') . " (" . q_(column_of($r)->{name})
		  . " WITH " . ($range ? nth($o->{n}, '&&', '=') : '=') . ")" . ($o->{where} ? ' WHERE (' . condition($r, $o->{where}) . ')' : '') . " $o->{deferrable}";
	},
};

$KIND{index} = {
	class => 'INDEX', prefix => 'idx',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'matview' ], sub { 1 }) or return 0;

		$o->{schema} = undef;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { { ref => ref_to($t, $_->{id}), n => dice(), expression => chance(20), desc => pick('', '', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'), ops => chance(10), collate => chance(8) } } some(number(1, 3), @c) ];
		return 1;
	},
	attrs => [
		method => sub { pick('btree', 'btree', 'btree', 'btree', 'hash', 'gin', 'gist', 'brin', 'spgist') },
		unique => sub { chance(20) }, nulls => sub { chance(10) },
		where => sub { chance(20) ? dice() + 1 : undef },
		options => sub { chance(15) }, include => sub { chance(10) }, statistics => sub { chance(10) ? number(1, 300) : undef },
		cluster => sub { chance(5) }, replica => sub { chance(10) }, only => sub { chance(10) },
	],
	changes => {
		'columns' => sub { my ($o) = @_; my ($t) = of($o->{table}); my ($c) = some(1, columns($t)) or return 0; push @{ $o->{columns_} }, { ref => ref_to($t, $c->{id}), n => dice(), expression => 0, desc => '' }; 1 },
		'expression' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns_} }); $c->{expression} = !$c->{expression}; 1 },
		'order' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns_} }); $c->{desc} = pick('', ' DESC', ' NULLS FIRST'); 1 },
	},
	target => sub { q_(of(of($_[0]{table})->{schema})->{name}) . '.' . q_($_[0]{name}) },
	sql => \&index_sql,
};

sub index_sql
{
	my ($o) = @_;
	my $t = of($o->{table});
	my $method = $o->{method};
	my (@list, @done, $only_columns);
	my @c = @{ $o->{columns_} };
	my $n = q_(of($t->{schema})->{name}) . '.' . q_($o->{name});
	my %fits = (gin => qr/^(?:textarr|intarr|json|tsv|array)$/, gist => qr/^(?:range|tsv)$/, spgist => qr/^(?:text|range)$/, hash => qr/^(?:int|text|uuid|enum|date|num|bool)$/, brin => qr/^(?:int|text|date|ts|num|uuid)$/);

	$method = 'btree' if $method eq 'spgist' && grep { (type_of(column_of($_->{ref}))->{base} // '') =~ /^char/ } @c;
	$method = 'btree' if $fits{$method} && grep { class_of(type_of(column_of($_->{ref}))) !~ $fits{$method} } @c;
	@c = $c[0] if $method =~ /hash|spgist/;
	for my $c (@c)
	{
		my $column = column_of($c->{ref});
		my $type = type_of($column);
		my ($text, $result) = $c->{expression} && $method eq 'btree' || !has_btree($type) && $method eq 'btree' ? expression($c->{ref}, $c->{n}) : (q_($column->{name}), $type);
		my $is_text = class_of($result) eq 'text';

		$text = "($text)" if $text ne q_($column->{name});
		$text .= ' COLLATE "C"' if $c->{collate} && $is_text && $method =~ /btree|hash/;
		$text .= ' ' . ($result->{base} && $result->{base} =~ /^varchar/ ? 'varchar' : $result->{base} && $result->{base} =~ /^char/ ? 'bpchar' : 'text') . '_pattern_ops' if $c->{ops} && $is_text && $method eq 'btree' && $result->{base};
		$text .= ' jsonb_path_ops' if $c->{ops} && class_of($result) eq 'json' && $method eq 'gin';
		$text .= $c->{desc} if $method eq 'btree';
		push @list, $text;
	}
	my $expressions = grep { /^\(/ } @list;
	my $unique = $o->{unique} && $method eq 'btree' && !in_partition_tree($t);
	my $sql = "CREATE " . ($unique ? 'UNIQUE ' : '') . "INDEX " . q_($o->{name}) . " ON " . ($o->{only} && $t->{partition} ? 'ONLY ' : '') . q_name($t) . " USING $method (" . join(', ', @list) . ")";

	if ($o->{include} && $method =~ /^btree$/)
	{
		my %used = map { $_->{ref}{c} => 1 } @c;
		my ($extra) = grep { !$used{ $_->{id} } } columns($t);
		$sql .= " INCLUDE (" . q_($extra->{name}) . ")" if $extra;
	}
	$sql .= ' NULLS NOT DISTINCT' if $o->{nulls} && $unique;
	$sql .= ($method =~ /btree|hash|gist$/ ? ' WITH (fillfactor = 60)' : $method eq 'gin' ? ' WITH (fastupdate = off)' : ' WITH (pages_per_range = 16)') if $o->{options} && !$t->{partition};
	$sql .= ' WHERE ' . condition($c[0]{ref}, $o->{where}) if $o->{where};
	push @done, $sql;
	push @done, "ALTER INDEX $n ALTER COLUMN 1 SET STATISTICS $o->{statistics}" if $o->{statistics} && $list[0] =~ /^\(/;
	push @done, "ALTER TABLE " . q_name($t) . " CLUSTER ON " . q_($o->{name}) if $o->{cluster} && $method eq 'btree' && !$o->{where} && !in_partition_tree($t) && $t->{kind} eq 'table';
	push @done, "ALTER TABLE " . q_name($t) . " REPLICA IDENTITY USING INDEX " . q_($o->{name})
	  if $o->{replica} && $unique && !$o->{where} && !$expressions && $t->{kind} eq 'table' && !grep { !column_of($_->{ref})->{notnull} } @c;
	return @done;
}

1;
