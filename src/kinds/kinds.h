/*
 * kinds.h
 *	  Declares all kinds of objects; kinds.c lists them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KINDS_H
#define CMIG_KINDS_H

#include "kinds/kind.h"

/* Returns all kinds in the order in which they are read; sets *count. */
extern CmigKind **cmig_kinds(int *count);

/* in kind_schema.c */
extern CmigKind cmig_kind_schema;

/* in kind_extension.c */
extern CmigKind cmig_kind_extension;

/* in kind_type.c */
extern CmigKind cmig_kind_enum;
extern CmigKind cmig_kind_domain;
extern CmigKind cmig_kind_domain_constraint;
extern CmigKind cmig_kind_composite;
extern CmigKind cmig_kind_attribute;

/* in kind_sequence.c */
extern CmigKind cmig_kind_sequence;
extern CmigKind cmig_kind_sequence_owner;

/* in kind_table.c */
extern CmigKind cmig_kind_table;

/* in kind_column.c */
extern CmigKind cmig_kind_column;

/* in kind_default.c */
extern CmigKind cmig_kind_default;

/* in kind_constraint.c */
extern CmigKind cmig_kind_constraint;
extern CmigKind cmig_kind_foreign_key;

/* in kind_index.c */
extern CmigKind cmig_kind_index;

/* in kind_partition.c */
extern CmigKind cmig_kind_partition;

/* in kind_distribution.c */
extern CmigKind cmig_kind_distribution;

/* in kind_view.c */
extern CmigKind cmig_kind_view;
extern CmigKind cmig_kind_materialized_view;
extern CmigKind cmig_kind_view_column;

/* Is the materialized view created WITH NO DATA? */
extern bool cmig_view_is_empty(const CmigObject *view);

/*
 * "ddl" contains the statements that create a materialized view and then set
 * its owner.  Change them so that the view is filled only after its owner is
 * set.  Its query then runs with the owner's privileges, and reads only the
 * rows that the owner is allowed to see.
 */
extern void cmig_view_fill_as_owner(const CmigObject *view, List *ddl);

/* Change the materialized view's definition to WITH DATA. */
extern void cmig_view_fill(CmigObject *view);

/* Change the materialized view's definition to WITH NO DATA. */
extern void cmig_view_leave_empty(CmigObject *view);

/* in kind_function.c */
extern CmigKind cmig_kind_function;

/* in kind_trigger.c */
extern CmigKind cmig_kind_rule;
extern CmigKind cmig_kind_policy;
extern CmigKind cmig_kind_trigger;
extern CmigKind cmig_kind_partition_trigger;

/* in kind_base.c */
extern CmigKind cmig_kind_base_type;
extern CmigKind cmig_kind_base_definition;

/* in kind_range.c */
extern CmigKind cmig_kind_range;

/* in kind_toast.c */
extern CmigKind cmig_kind_toast;

/* in kind_statistics.c */
extern CmigKind cmig_kind_statistics;

/* in kind_aggregate.c */
extern CmigKind cmig_kind_aggregate;

/* in kind_operator.c */
extern CmigKind cmig_kind_operator;
extern CmigKind cmig_kind_operator_family;
extern CmigKind cmig_kind_operator_family_member;
extern CmigKind cmig_kind_operator_class;

/* in kind_locale.c */
extern CmigKind cmig_kind_collation;
extern CmigKind cmig_kind_conversion;

/* in kind_text_search.c */
extern CmigKind cmig_kind_ts_parser;
extern CmigKind cmig_kind_ts_template;
extern CmigKind cmig_kind_ts_dictionary;
extern CmigKind cmig_kind_ts_configuration;
extern CmigKind cmig_kind_ts_mapping;

/* in kind_language.c */
extern CmigKind cmig_kind_cast;
extern CmigKind cmig_kind_language;
extern CmigKind cmig_kind_transform;
extern CmigKind cmig_kind_access_method;

/* in kind_publication.c */
extern CmigKind cmig_kind_publication;
extern CmigKind cmig_kind_publication_table;
extern CmigKind cmig_kind_publication_schema;

/* in kind_event_trigger.c */
extern CmigKind cmig_kind_event_trigger;

/* in kind_default_privileges.c */
extern CmigKind cmig_kind_default_privileges;

/* in kind_foreign.c */
extern CmigKind cmig_kind_foreign_data_wrapper;
extern CmigKind cmig_kind_server;
extern CmigKind cmig_kind_user_mapping;
extern CmigKind cmig_kind_foreign_table;
extern CmigKind cmig_kind_foreign_column;

/* in kind_member.c */
extern CmigKind cmig_kind_member_privilege;

/* in kind_other.c; cmig_kinds() does not return this kind */
extern CmigKind cmig_kind_other;

/*
 * Returns an expression that converts a column's value to the type named
 * "type", either through text or attribute by attribute.
 */
extern char *cmig_type_convert(const char *column, const CmigObject *from, const CmigObject *to, const char *type);

/*
 * Return an extension's quoted schema, and whether the extension is
 * relocatable.
 */
extern const char *cmig_extension_schema(const CmigObject *extension);
extern bool cmig_extension_is_relocatable(const CmigObject *extension);

/*
 * Returns the quoted name of the column in a sequence's OWNED BY clause.
 * Returns NULL if the object's kind is not cmig_kind_sequence_owner.
 */
extern const char *cmig_sequence_owner_column(const CmigObject *owner);

/*
 * Returns the statement that sets a new sequence to continue after the largest
 * value in its column, or NULL if the sequence has options or the column does
 * not contain integers.
 */
extern char *cmig_sequence_continue(const CmigObject *owner, const CmigObject *column);

/* Does the foreign-data wrapper have a validator only in the new image? */
extern bool cmig_wrapper_gets_validator(const CmigObject *from, const CmigObject *to);

/* Is the object a function in the language SQL? */
extern bool cmig_function_is_sql(const CmigObject *object);

/* Does the function return rows of this relation or type? */
extern bool cmig_function_returns(const CmigObject *function, const CmigObject *type);

/* Returns the printed type that a domain is over. */
extern const char *cmig_domain_base(const CmigObject *domain);

/* Is a domain NOT NULL in only one of the images? */
extern bool cmig_domain_null_differs(const CmigObject *from, const CmigObject *to);

/*
 * Returns the labels, without quotes, that were added to an enum.  Returns NIL
 * if existing labels were removed or moved.
 */
extern List *cmig_enum_added(const CmigObject *from, const CmigObject *to);

#endif							/* CMIG_KINDS_H */
