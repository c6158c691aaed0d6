# Copyright (c) 2026, the pg_cmig developers

# The model of a schema: random numbers, names, references between objects, and the
# properties that all kinds have: comments, owners, and privileges.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our @ROLES = ('regress_diff_a', 'regress_diff_b', 'regress diff "c"');
our %KIND;						# what is known about each kind of object
our $g;							# the current model

# --- the dice ------------------------------------------------------------

sub chance { return rand(100) < $_[0] }
sub number { my ($low, $high) = @_; return $low + int(rand($high - $low + 1)) }
sub pick { return $_[ int(rand(@_)) ] }
sub dice { return int(rand(1000)) }

sub shuffled
{
	my @list = @_;

	for (my $i = @list; --$i > 0;)
	{
		my $j = int(rand($i + 1));
		@list[ $i, $j ] = @list[ $j, $i ];
	}
	return @list;
}

sub some { my ($n, @list) = @_; @list = shuffled(@list); return @list > $n ? @list[ 0 .. $n - 1 ] : @list }

# --- names ---------------------------------------------------------------

my @KEYWORDS = qw(select table user order group all default end begin values primary check column case when from
  where limit offset grant references unique window current_user to in not null true json_object left natural array);
our @WORDS = qw(users orders items status name id created_at note tag price account total parent email);

sub new_name
{
	my ($plain) = @_;
	my $n = ++$g->{names};
	my $long = 'a_rather_long_name_that_is_longer_than_any_name_ought_to_be_and';

	return $plain . "_$n" if chance(45);
	my $name = pick(
		pick(@WORDS) . $n, "Camel$n", "We\"ird $n", "it's $n", "100% of \%I \%s $n", "a\$\$b\$x\$ $n",
		pick(@KEYWORDS), pick(@KEYWORDS), "größe $n", "表 $n", "\x{1F600}$n", "ÀÉ$n",
		substr($long, 0, 63 - length($n)) . $n, substr($long, 0, 63 - length($n)) . $n, substr(('ü' x 30) . 'abc', 0, 31) . sprintf('%01d', $n % 10),
		"a.b $n", "a-b $n", "back\\slash $n", "-- $n", "/* $n", "$n digits", " $n ", "semi;colon $n", "f(x), $n",
		"a[1] $n", "a=>b $n", "new\nline $n", ":colon $n", "\"$n\"", "'$n'", "\$1 $n", "tab\t$n", "{$n,}");
	return $g->{taken}{$name}++ ? $plain . "_$n" : $name;
}

sub q_
{
	my ($name) = @_;
	my $copy = $name;

	return $name if $name =~ /^[a-z_]+_\d+$/;
	$copy =~ s/"/""/g;
	return "\"$copy\"";
}

sub lit
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

sub q_name { my ($o) = @_; return defined $o->{schema} ? q_(of($o->{schema})->{name}) . '.' . q_($o->{name}) : q_($o->{name}) }

# --- references ----------------------------------------------------------

sub ref_to { my ($o, $column) = @_; return bless { o => $o->{id}, c => $column }, 'Ref' }
sub of { my ($ref) = @_; return $g->{objects}{ $ref->{o} } }

sub objects { my %want = map { $_ => 1 } @_; return map { $g->{objects}{$_} } grep { $want{ $g->{objects}{$_}{kind} } } sort { $a <=> $b } keys %{ $g->{objects} } }

sub refs
{
	my ($value) = @_;

	return () if !ref $value;
	return ($value) if ref $value eq 'Ref';
	return map { refs($_) } @$value if ref $value eq 'ARRAY';
	return map { refs($value->{$_}) } sort keys %$value;
}

sub column_of
{
	my ($ref) = @_;
	my $o = of($ref) or return undef;

	return (grep { $_->{id} == $ref->{c} } columns($o))[0];
}

# columns(OBJECT): the columns of a relation, those of its parents first
sub columns
{
	my ($o) = @_;
	my @list;

	if (defined $o->{parent})
	{
		return of($o->{parent}) ? columns(of($o->{parent})) : ();
	}
	if (defined $o->{of_type})
	{
		return of($o->{of_type}) ? @{ of($o->{of_type})->{attributes} } : ();
	}
	for my $parent (@{ $o->{inherits} // [] })
	{
		push @list, columns(of($parent)) if of($parent);
	}
	push @list, @{ $o->{columns} // [] };
	return @list;
}

sub is_ancestor
{
	my ($o, $of) = @_;

	return 1 if $o->{id} == $of->{id};
	return scalar grep { my $p = of($_); $p && is_ancestor($o, $p) } @{ $of->{inherits} // [] }, grep { defined } $of->{parent};
}

sub has_children
{
	my ($o) = @_;

	return scalar grep { my $x = $_; grep { $_->{o} == $o->{id} } @{ $x->{inherits} // [] }, grep { defined } $x->{parent} } objects('table');
}

# --- making objects ------------------------------------------------------

sub add
{
	my ($kind, %given) = @_;
	my $k = $KIND{$kind} or die "no kind $kind\n";
	my $o = { id => ++$g->{ids}, kind => $kind, %given };

	if ($k->{in_schema} && !$o->{schema})
	{
		$o->{schema} = ref_to(pick(objects('schema')) // return undef);
	}
	$o->{name} //= new_name($k->{prefix} // $kind);
	$g->{objects}{ $o->{id} } = $o;
	if ($k->{init} && !$k->{init}->($o))
	{
		delete $g->{objects}{ $o->{id} };
		return undef;
	}
	for (my $i = 0; $i < @{ $k->{attrs} // [] }; $i += 2)
	{
		my ($attr, $make) = @{ $k->{attrs} }[ $i, $i + 1 ];
		$o->{$attr} = $make->($o) if !exists $o->{$attr};
	}
	$o->{comment} = new_comment() if chance(15);
	$o->{owner} = new_owner() if $k->{owner} && chance(15);
	$o->{acl} = new_acl($o) if $k->{acl} && chance(20);
	return $o;
}

sub new_comment { return nth(dice(), 'a comment', "it's \$\$ \"quoted\" %s", "two\nlines; -- here", 'ünïcode', 'of ' . ++$g->{names}) }
sub new_owner { return pick(@ROLES) }

sub new_acl
{
	my ($o) = @_;
	my $privs = $KIND{ $o->{kind} }{acl};
	my @list;

	for (1 .. number(1, 2))
	{
		push @list, { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 3), @$privs)) ], option => chance(20), revoke => chance(15) };
	}
	return \@list;
}

# --- SQL of what all kinds have --------------------------------------------

sub target_text { my ($o) = @_; my $k = $KIND{ $o->{kind} }; return $k->{target} ? $k->{target}->($o) : q_name($o) }
sub q_role { my ($r) = @_; return $r eq 'PUBLIC' ? $r : q_($r) }

sub common_sql
{
	my ($o) = @_;
	my $k = $KIND{ $o->{kind} };
	my $class = $k->{class};
	my @sql;

	push @sql, "ALTER $class " . target_text($o) . " OWNER TO " . q_($o->{owner}) if defined $o->{owner} && $k->{owner};
	push @sql, "COMMENT ON $class " . target_text($o) . " IS " . lit($o->{comment}) if defined $o->{comment} && $class;
	for my $a (@{ $o->{acl} // [] })
	{
		my $on = ($k->{grant_class} // $class) . ' ' . ($k->{grant_target} ? $k->{grant_target}->($o) : target_text($o));
		if ($a->{revoke})
		{
			push @sql, "REVOKE ALL ON $on FROM " . q_role($a->{role});
			next;
		}
		# the owner can grant anyway; whether pg_dump prints that makes no
		# difference
		push @sql, "GRANT " . join(', ', @{ $a->{privs} }) . " ON $on TO " . q_role($a->{role})
		  . ($a->{option} && $a->{role} ne 'PUBLIC' && $a->{role} ne ($o->{owner} // '') ? ' WITH GRANT OPTION' : '');
	}
	return @sql;
}

1;
