/*
 * kinds.c
 *	  All kinds of objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/kinds.h"

/* A parent's kind stands before its children's. */
static CmigKind *const all[] = {
	&cmig_kind_schema,
	&cmig_kind_enum,
	&cmig_kind_domain,
	&cmig_kind_domain_constraint,
	&cmig_kind_composite,
	&cmig_kind_attribute,
	&cmig_kind_sequence,
	&cmig_kind_table,
	&cmig_kind_column,
	&cmig_kind_view,
	&cmig_kind_materialized_view,
	&cmig_kind_view_column,
	&cmig_kind_default,
	&cmig_kind_sequence_owner,
	&cmig_kind_constraint,
	&cmig_kind_index,
	&cmig_kind_partition,
	&cmig_kind_foreign_key,
	&cmig_kind_function,
	&cmig_kind_rule,
	&cmig_kind_policy,
	&cmig_kind_trigger,
};

CmigKind **
cmig_kinds(int *count)
{
	*count = lengthof(all);
	for (int i = 0; i < lengthof(all) && all[i]->place == 0; i++)
		all[i]->place = i + 1;
	return (CmigKind **) all;
}
