/*
 * kinds.c
 *	  The list of all kinds of objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

/*
 * All kinds, in the order in which they are read: a parent's kind comes before
 * the kinds of its children.
 */
static CmigKind *const all[] = {
	&cmig_kind_schema,
	&cmig_kind_extension,
	&cmig_kind_access_method,
	&cmig_kind_language,
	&cmig_kind_foreign_data_wrapper,
	&cmig_kind_server,
	&cmig_kind_user_mapping,
	&cmig_kind_collation,
	&cmig_kind_base_type,
	&cmig_kind_base_definition,
	&cmig_kind_enum,
	&cmig_kind_domain,
	&cmig_kind_domain_constraint,
	&cmig_kind_composite,
	&cmig_kind_attribute,
	&cmig_kind_range,
	&cmig_kind_sequence,
	&cmig_kind_table,
	&cmig_kind_column,
	&cmig_kind_foreign_table,
	&cmig_kind_foreign_column,
	&cmig_kind_view,
	&cmig_kind_materialized_view,
	&cmig_kind_view_column,
	&cmig_kind_toast,
	&cmig_kind_default,
	&cmig_kind_sequence_owner,
	&cmig_kind_constraint,
	&cmig_kind_index,
	&cmig_kind_partition,
	&cmig_kind_distribution,
	&cmig_kind_foreign_key,
	&cmig_kind_function,
	&cmig_kind_rule,
	&cmig_kind_policy,
	&cmig_kind_trigger,
	&cmig_kind_partition_trigger,
	&cmig_kind_statistics,
	&cmig_kind_aggregate,
	&cmig_kind_operator,
	&cmig_kind_operator_family,
	&cmig_kind_operator_family_member,
	&cmig_kind_operator_class,
	&cmig_kind_cast,
	&cmig_kind_transform,
	&cmig_kind_conversion,
	&cmig_kind_ts_parser,
	&cmig_kind_ts_template,
	&cmig_kind_ts_dictionary,
	&cmig_kind_ts_configuration,
	&cmig_kind_ts_mapping,
	&cmig_kind_publication,
	&cmig_kind_publication_table,
	&cmig_kind_publication_schema,
	&cmig_kind_event_trigger,
	&cmig_kind_member_privilege,
	&cmig_kind_default_privileges,
};

CmigKind **
cmig_kinds(int *count)
{
	*count = lengthof(all);
	for (int i = 0; i < lengthof(all) && all[i]->place == 0; i++)
		all[i]->place = i + 1;
	return (CmigKind **) all;
}
