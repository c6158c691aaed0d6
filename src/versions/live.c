/*
 * live.c
 *	  What an expansion needs to know of the live database: privileges, and what
 *	  would be in the way; cmig.expansion.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "audit/audit.h"
#include "base/errors.h"
#include "versions/internal.h"
#include "versions/versions.h"

PG_FUNCTION_INFO_V1(cmig_expansion);
PG_FUNCTION_INFO_V1(cmig_version_schema);

/* Statements: the owner must be allowed to create objects in the schema. */
#define NEW_OWNER(kind, schema) \
	"ARRAY[format('GRANT CREATE ON SCHEMA %s TO %I', " schema ", o), format('ALTER " kind " %s OWNER TO %I', $2, o)," \
	" format('REVOKE CREATE ON SCHEMA %s FROM %I', " schema ", o)]"

/*
 * Statements: the default privileges of the role that creates an object are
 * not those of the real one.
 */
#define NO_DEFAULTS(type, word, name, runner) \
	"SELECT format('REVOKE ALL ON " word " %s FROM %s', " name ", " GRANTEE "), 0" \
	" FROM pg_default_acl d, aclexplode(d.defaclacl) g WHERE pg_get_userbyid(d.defaclrole) = " runner "::name AND d.defaclnamespace = 0" \
	" AND d.defaclobjtype = '" type "' AND g.grantee <> d.defaclrole UNION "

static CmigQuery relation_privileges = {
	.sql = NO_DEFAULTS("r", "TABLE", "$2",
					   "$4") "SELECT format('GRANT %s ON %s TO %s%s', g.privilege_type, $2, " GRANTEE ","
	"  " GRANT_OPTION "), 1"
	" FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = " CMIG_RELATION_NAMED("$1")
	" AND g.grantee <> c.relowner"
	" AND g.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')"
	" UNION ALL SELECT unnest(" NEW_OWNER("TABLE",
										  "$3") "), generate_series(2, 4) FROM pg_class c, pg_get_userbyid(c.relowner) o WHERE c.oid = " CMIG_RELATION_NAMED("$1") " AND o <> $4::name ORDER BY 2, 1",
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

List *
cmig_versions_reader_privileges(const CmigShapeReader *real, const char *name, const char *schema)
{
	static CmigQuery of_routine = {
		.sql = "WITH p AS (SELECT p.* FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_'"
		"  AND format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) = $1)"
		NO_DEFAULTS("f", "ROUTINE", "$2",
					"$4") "SELECT format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', $2), 0 FROM p WHERE proacl IS NOT NULL"
		" UNION ALL SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s%s', $2, " GRANTEE ","
		"  " GRANT_OPTION "), 1 FROM p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g"
		"  WHERE g.grantee <> p.proowner AND (p.proacl IS NOT NULL OR EXISTS (SELECT"
		" FROM pg_default_acl))"
		" UNION ALL SELECT unnest(" NEW_OWNER("ROUTINE",
											  "$3") "), generate_series(2, 4) FROM p, pg_get_userbyid(p.proowner) o WHERE o <> $4::name ORDER BY 2, 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_list(real->kind[0] == 'R' ? &of_routine : &relation_privileges,
						   cmig_shape_reader_name(real, real->schema), name,
						   quote_identifier(schema), cmig_session_role());
}

List *
cmig_versions_type_privileges(const char *real, const char *name)
{
	static CmigQuery query = {
		.sql = "WITH p AS (SELECT t.* FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
		"  WHERE format('%I.%I', n.nspname, t.typname) = $1)"
		NO_DEFAULTS("T", "TYPE", "$2",
					"$3") "SELECT format('REVOKE ALL ON TYPE %s FROM PUBLIC', $2), 0 FROM p WHERE typacl IS NOT NULL"
		" UNION ALL SELECT format('GRANT USAGE ON TYPE %s TO %s%s', $2, " GRANTEE ","
		"  " GRANT_OPTION "), 1 FROM p, aclexplode(coalesce(p.typacl, acldefault('T', p.typowner))) g"
		"  WHERE g.grantee <> p.typowner AND (p.typacl IS NOT NULL OR EXISTS (SELECT"
		" FROM pg_default_acl)) ORDER BY 2, 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_list(&query, real, name, cmig_session_role());
}

void
cmig_versions_add_owner(const CmigStepGroup *at, const char *sequence)
{
	/* one that may create objects in the schema keeps that privilege */
	static CmigQuery query = {
		.sql = "SELECT u.sql FROM pg_class c, pg_get_userbyid(c.relowner) o,"
		" LATERAL (SELECT quote_ident((parse_ident($2))[1])) s (name),"
		" LATERAL unnest(CASE WHEN has_schema_privilege(o, to_regnamespace(s.name), 'CREATE') THEN ARRAY[format('ALTER SEQUENCE %s OWNER TO %I', $2, o)] ELSE " NEW_OWNER("SEQUENCE", "s.name") " END) u (sql)"
		" WHERE c.oid = " CMIG_RELATION_NAMED("$1") " AND o <> $3::name",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	cmig_versions_add_rows(at,
						   cmig_query_list(&query, at->relation, sequence, cmig_session_role()));
}

/*
 * Returns the statements that give a new reader the privileges that are the
 * default in its schema, and not in that of the version.
 */
static List *
default_privileges(const CmigShapeReader *reader, const char *name)
{
	static CmigQuery query = {
		.sql = "SELECT format('GRANT %s ON %s %s TO %s%s', g.privilege_type, CASE $4 WHEN 'f' THEN 'ROUTINE' ELSE 'TABLE' END, $1, " GRANTEE ", " GRANT_OPTION ")"
		" FROM pg_default_acl d, aclexplode(d.defaclacl) g"
		" WHERE pg_get_userbyid(d.defaclrole) = $3::name"
		" AND d.defaclnamespace = to_regnamespace(quote_ident($2))"
		" AND d.defaclobjtype = $4::\"char\" AND g.grantee <> d.defaclrole ORDER BY 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_list(&query, name, reader->schema, cmig_session_role(),
						   reader->kind[0] == 'R' ? "f" : "r");
}

void
cmig_versions_add_column_privileges(const CmigStepGroup *at, const char *column,
									const char *relation, const char *name)
{
	static CmigQuery query = {
		.sql = "SELECT format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type, $3, $4, " GRANTEE ","
		"  " GRANT_OPTION ")"
		" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g"
		" WHERE c.oid = " CMIG_RELATION_NAMED("$1") " AND a.attname = $2::name AND NOT a.attisdropped"
		" AND g.grantee <> c.relowner ORDER BY 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};

	cmig_versions_add_rows(at, cmig_query_list(&query, at->relation, column, name, relation));
}

/*
 * A provider such as one that masks values must not see less in a hidden column than
 * in the one that it replaces.
 */
static void
add_column_labels(const CmigStepGroup *at, const char *column, const char *hidden)
{
	static CmigQuery query = {
		.sql = "SELECT format('SECURITY LABEL FOR %I ON COLUMN %s.%I IS %L', provider, a.attrelid::regclass, $3, label)"
		" FROM pg_attribute a JOIN pg_seclabel l ON l.objoid = a.attrelid"
		" AND l.objsubid = a.attnum AND l.classoid = 'pg_class'::regclass"
		" WHERE a.attrelid IN (SELECT " CMIG_RELATION_NAMED("$1")
		" UNION SELECT relid FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") "))"
		" AND a.attname = $2::name AND NOT a.attisdropped ORDER BY 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	cmig_versions_add_rows(at, cmig_query_list(&query, at->relation, column, hidden));
}

/* Those of a table's views, and of the columns. */
static void
add_table_privileges(CmigPlanning *p, const CmigVersionTable *table)
{
	static CmigQuery writers = {
		.sql = "SELECT DISTINCT format('GRANT USAGE ON SEQUENCE %s TO %s', $2, " GRANTEE ")"
		" FROM (SELECT relacl FROM pg_class WHERE oid = " CMIG_RELATION_NAMED("$1")
		" UNION ALL SELECT attacl"
		" FROM pg_attribute WHERE attrelid = " CMIG_RELATION_NAMED("$1") ") a (acl),"
		" aclexplode(a.acl) g WHERE g.privilege_type IN ('INSERT', 'UPDATE') ORDER BY 1",
		.argtypes = {TEXTOID, TEXTOID}
	};
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, table->a->qualified};
	const char *schema = cmig_versions_schema(p, table->b->schema);
	const char *runner = cmig_session_role();

	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		/* who writes an identity column needs no privilege */
		if (column->a == NULL && column->b->identity[0])
			cmig_versions_add_rows(&at,
								   cmig_query_list(&writers, at.relation, column->b->sequence));
		if (column->a == NULL)
			continue;
		cmig_versions_add_column_privileges(&at, column->a->name, table->view, column->b->name);
		if (column->hidden == NULL)
			continue;
		cmig_versions_add_column_privileges(&at, column->a->name, at.relation, column->hidden);
		add_column_labels(&at, column->a->name, column->hidden);
	}
	cmig_versions_add_rows(&at,
						   cmig_query_list(&relation_privileges, at.relation, table->view, schema,
										   runner));
}

/*
 * The views and their schemas get the owners and privileges that the live
 * tables and schemas have now, which may not come from revisions.
 */
static void
add_privileges(CmigPlanning *p)
{
	static CmigQuery of_schema = {
		.sql = NO_DEFAULTS("n", "SCHEMA", "quote_ident($2)",
						   "$3") "SELECT format('GRANT USAGE ON SCHEMA %I TO %s', $2, " GRANTEE "), 1"
		" FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g"
		" WHERE n.nspname = $1::name AND g.privilege_type = 'USAGE'"
		" AND g.grantee::regrole::text NOT IN ('pg_database_owner', quote_ident($3)) ORDER BY 2, 1",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	/* nobody may set when the old version last wrote */
	static CmigQuery of_mark = {
		.sql = NO_DEFAULTS("S", "SEQUENCE", "$1", "$2") "SELECT '', 0 WHERE false ORDER BY 2, 1",
		.argtypes = {TEXTOID, TEXTOID}
	};
	const CmigStepGroup all = {p, CMIG_PHASE_PREPARE, ""};
	const char *runner = cmig_session_role();
	List	   *steps = p->result->steps;

	p->result->steps = NIL;
	foreach_ptr(CmigExpansionStep, step, steps)
	{
		const CmigStepGroup same = {p, step->phase, step->relation};
		int			n = foreach_current_index(step);

		if (strcmp(step->phase, CMIG_PHASE_SHADOW) == 0)
			continue;
		p->result->steps = lappend(p->result->steps, step);
		if (n < list_length(p->result->schemas))
		{
			const char *schema = list_nth(p->result->schemas, n);

			cmig_versions_add_rows(&all,
								   cmig_query_list(&of_schema, schema,
												   cmig_version_schema_name(p->result->revision,
																			schema), runner));
		}
		foreach_ptr(const CmigVersionTable, table, p->tables)
		{
			if (table->created == step)
				add_table_privileges(p, table);
			if (step->sequence != NULL && table->sequence == step->sequence)
				cmig_versions_add_rows(&same, cmig_query_list(&of_mark, step->sequence, runner));
		}
		if (step->sequence != NULL)
			cmig_versions_add_owner(&same, step->sequence);
		foreach_ptr(const CmigShapeReader, reader, p->readers)
		{
			const char *schema = cmig_version_schema_name(p->result->revision, reader->schema);
			const char *name = cmig_shape_reader_name(reader, schema);
			bool		same = reader->old && strcmp(reader->old->key, reader->key) == 0;

			if (reader->created != step)
				continue;
			if (same)
			{
				char	   *row[9] = {"", NULL, READER, cmig_shape_reader_name(reader->old, reader->old->schema), unconstify(char *, name), NULL, reader->kind};

				p->result->columns = lappend(p->result->columns, memcpy(palloc(sizeof(row)), row, sizeof(row)));
			}

			/*
			 * as after an upgrade: those of the live one that is kept, or
			 * those that a new one gets, and those that the revisions grant
			 */
			cmig_versions_add_rows(&all, same ?
								   cmig_versions_reader_privileges(reader->old, name, schema) :
								   default_privileges(reader, name));
			cmig_versions_add_rows(&all, reader->privileges);
		}
	}
}

/*
 * A schema of the version gets the owner of the schema whose version it is, like what is
 * in it, so that another role with these privileges can contract or abandon.  It is the
 * last step that prepares, because the caller creates objects in it.  The same is true of
 * an enum, with which columns are created.
 */
static void
add_schema_owners(CmigPlanning *p)
{
	static CmigQuery of_enum = {
		.sql = "SELECT unnest(" NEW_OWNER("TYPE", "$3") ") FROM pg_type t, pg_get_userbyid(t.typowner) o"
		" WHERE t.oid = " CMIG_TYPE_NAMED("$1") " AND t.typowner <> $4 AND pg_has_role($4, t.typowner,"
		" 'USAGE')",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, OIDOID}
	};

	static CmigQuery owner = {
		.sql = "SELECT pg_get_userbyid(nspowner), nspowner, pg_has_role($2, nspowner, 'USAGE')"
		"  AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = $2 AND privilege_type = 'USAGE')"
		" FROM pg_namespace WHERE nspname = $1::name AND nspowner <> $2"
		" AND NOT (pg_get_userbyid(nspowner) = 'pg_database_owner' AND EXISTS (SELECT"
		"  FROM pg_database WHERE datname = current_database() AND datdba = $2))",
		.argtypes = {TEXTOID, OIDOID}
	};
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, ""};
	Oid			runner = get_role_oid(cmig_session_role(), false);

	foreach_ptr(const CmigVersionEnum, e, p->enums)
		cmig_versions_add_rows(&at, cmig_query_list(&of_enum, e->a->qualified, e->name,
													cmig_versions_schema(p, e->b->schema), runner));
	foreach_ptr(const char, schema, p->result->schemas)
	{
		char	  **row = cmig_query_row(&owner, schema, runner);

		if (row == NULL || !cmig_can_set_role_compat(runner, atooid(row[1])))
			continue;
		cmig_versions_add(&at, "ALTER SCHEMA %s OWNER TO %s",
						  cmig_versions_schema(p, schema), quote_identifier(row[0]));
		/* what is granted to an owner goes to the next one */
		if (*row[2] == 't')
			cmig_versions_add(&at, "GRANT USAGE ON SCHEMA %s TO %s",
							  cmig_versions_schema(p, schema),
							  quote_identifier(cmig_session_role()));
	}
}

/*
 * Raise an error if Citus manages a table, or will do so in the end: a foreign
 * key between a table that it manages and another one makes it manage both.
 */
static void
require_unmanaged(CmigPlanning *p)
{
	static CmigQuery live = {.sql = "SELECT " CMIG_RELATION_NAMED("$1"),.argtypes = {TEXTOID}};
	const List *shape = p->shapes[p->revisions];
	List	   *managed = NIL;
	bool		changed = cmig_citus_is_installed();

	foreach_ptr(const CmigShapeTable, table, changed ? shape : NIL)
	{
		const CmigShapeTable *before = cmig_shape_table(p->shapes[0], table->oid);
		char	   *oid = before ? cmig_query_value(&live, before->qualified) : NULL;

		if (oid != NULL && cmig_citus_manages(atooid(oid)))
			managed = lappend(managed, table->qualified);
		/* a table outside of the schemas of the revisions */
		foreach_ptr(const CmigShapePart, part, table->parts)
		{
			oid = part->references ? cmig_query_value(&live, part->references) : NULL;
			if (oid != NULL && cmig_citus_manages(atooid(oid)))
				managed = lappend(managed, part->references);
		}
	}
	while (changed)
	{
		changed = false;
		foreach_ptr(const CmigShapeTable, table, shape)
		{
			char	   *name = table->qualified;

			foreach_ptr(const CmigShapePart, part, table->parts)
			{
				char	   *other = part->references;

				if (other == NULL ||
					cmig_text_list_has(managed, name) == cmig_text_list_has(managed, other))
					continue;
				managed = lappend(managed, cmig_text_list_has(managed, name) ? other : name);
				changed = true;
			}
		}
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		if ((table->viewed || table->build != NIL || table->drop != NIL) &&
			cmig_text_list_has(managed, table->b->qualified))
			cmig_versions_refuse(psprintf("table %s", table->b->qualified),
								 "Citus manages it, or would because of a foreign key.");
	}
}

char *
cmig_versions_family(const char *relation, Snapshot snapshot)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE family (oid) AS (SELECT " CMIG_RELATION_NAMED("$1") " UNION SELECT i.inhrelid FROM family JOIN pg_inherits i ON i.inhparent = family.oid)"
		" SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid::regclass::text COLLATE \"C\")"
		" FROM family",
		.argtypes = {TEXTOID}
	};
	Datum		name = CStringGetTextDatum(relation);

	return snapshot ? cmig_query_at_snapshot(&query, &name, snapshot) :
		cmig_query_value(&query, relation);
}

char *
cmig_versions_differences(const CmigPlanning *p)
{
	CmigListing listing;

	cmig_listing_init(&listing, CMIG_LISTING_LINES);
	foreach_ptr(const char, reason, cmig_copies_reasons(p->copies, true))
		cmig_listing_add(&listing, reason);
	return listing.count == 0 ? "" :
		psprintf("\nIt was tried on copies of the live objects, from which some differ:\n%s",
				 cmig_listing_text(&listing));
}

void
cmig_versions_require_grants(const CmigPlanning *p)
{
	char	   *grants = cmig_copies_grants(p->copies);

	if (grants != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("revision \"%s\" cannot be tried on copies of the live objects",
						p->result->revision),
				 errdetail_internal("%s", cmig_versions_differences(p) + 1),
				 errhint("%s", grants)));
}

/* Raise an error if what the revisions change is not the same as its copy. */
static void
require_copied(CmigPlanning *p)
{
	static CmigQuery others = {
		"SELECT p.relid::regclass, pg_get_userbyid(c.relowner)"
		" FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") ") p JOIN"
		" pg_class c ON c.oid = p.relid WHERE NOT pg_has_role($2::name, c.relowner, 'USAGE') ORDER BY 1 LIMIT 1",
		{TEXTOID, TEXTOID}
	};
	List	   *filled = NIL;

	foreach_ptr(const CmigDiffLine, line, p->changes)
	{
		const CmigObject *root = line->subject ?
		cmig_object_root(unconstify(CmigObject *, line->subject)) : NULL;
		const CmigObject *before = root ? cmig_image_find(p->before, root->address) : NULL;
		const char *reason = root ? cmig_copies_difference(p->copies, before ? before : root) :
		NULL;

		if (reason == NULL)
			continue;
		cmig_versions_require_grants(p);
		cmig_versions_refuse(psprintf("%s %s", root->kind->name,
									  before ? before->identity : root->identity),
							 psprintf("Its copy differs from it: %s.%s", reason, cmig_versions_differences(p)));
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const char *family = table->family ? cmig_versions_family(table->a->qualified, NULL) : NULL;
		char	  **other = cmig_query_row(&others, table->a->qualified, cmig_session_role());

		if (other != NULL)
			cmig_versions_refuse(psprintf("table %s", other[0]), psprintf("It belongs to role %s, whose privileges role %s does not have.", other[1], cmig_session_role()));
		if (table->filled)
			filled = lappend(filled, table->a->qualified);

		if (family && !cmig_text_same(family, cmig_versions_family(table->a->qualified, p->begun)))
			cmig_query_raise_changed(psprintf("Partitions or children of table %s were added,"
											  " detached, or dropped.", table->a->qualified));
		/* a partition or child in a schema of another role */
		if (!cmig_text_same(table->family, family))
			cmig_versions_refuse(psprintf("table %s", table->a->qualified),
								 psprintf("Not all of its partitions and children are copied, to try the statements on them: %s.", family));
	}
	cmig_versions_require_partitions(filled, p->result->revision);
}

List *
cmig_versions_obstacles(const char *relation)
{
	/*
	 * a reader of cmig.check() may not use the schema, so the name is not
	 * looked up
	 */
	static CmigQuery query = {
		"WITH t AS (SELECT k.oid FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace"
		"  WHERE format('%I.%I', n.nspname, k.relname) = $1)"
		" SELECT 'rule ' || quote_ident(rulename), 'A rule ON INSERT or ON UPDATE does not see what"
		" is computed for the other version, and rows cannot be filled.',"
		"  format('Write a trigger that does the same, and DROP RULE %I ON %s', rulename, $1), $1"
		" FROM pg_rewrite JOIN t ON ev_class = t.oid WHERE ev_type IN ('2', '3')"
		" UNION ALL SELECT 'trigger ' || quote_ident(tgname), 'Triggers fire in the order of their"
		" names, and it would fire before or after those of the expansion, which have to be first and"
		" last.', format('ALTER TRIGGER %I ON %s RENAME TO <a name that begins with a letter of"
		" ASCII>', tgname, CASE tgrelid WHEN t.oid THEN $1 ELSE tgrelid::regclass::text END),"
		" tgrelid::regclass::text FROM t JOIN pg_trigger ON tgrelid = t.oid OR tgrelid IN (SELECT"
		" relid FROM pg_partition_tree(t.oid)) WHERE NOT tgisinternal AND tgtype & 3 = 3"
		" AND tgtype & 20 <> 0 AND (tgparentid = 0 OR tgrelid = t.oid) AND (tgname COLLATE \"C\" <"
		" '" CMIG_EXPANSION_BEGIN "' OR tgname COLLATE \"C\" > '" CMIG_EXPANSION_WRITE "')"
		" ORDER BY 1, 4", {TEXTOID}
	};

	return cmig_query_list(&query, relation);
}

/* Raise an error for the first of them: the table cannot be "expanded" or "contracted". */
static void
require_none(const char *relation, const char *verb, int sqlstate)
{
	foreach_ptr(CmigValue, row, cmig_versions_obstacles(relation))
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("table %s cannot be %s because of %s", relation, verb, row[0]),
				 errdetail_internal("%s", row[1]), errhint("%s", row[2])));
}

/* Raise an error if an object of the live schema would be in the way. */
static void
require_no_obstacle(CmigPlanning *p)
{
	static CmigQuery scripted = {
		.sql = "SELECT quote_ident(t.tgname) FROM pg_trigger t"
		" JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
		" WHERE t.tgrelid = " CMIG_RELATION_NAMED("$1")
		" AND " CMIG_AUDIT_IS_SCRIPT " ORDER BY 1 LIMIT 1",
		.argtypes = {TEXTOID}
	};
	static CmigQuery numbers = {
		.sql = "SELECT max(relnatts) FROM pg_class WHERE oid = " CMIG_RELATION_NAMED("$1")
		" OR oid IN (SELECT relid FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") "))",
		.argtypes = {TEXTOID}
	};
	static CmigQuery limited = {
		.sql = "SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ' ORDER BY quote_ident(r.rolname)) FROM pg_attribute a, aclexplode(a.attacl) g, pg_roles r"
		" WHERE a.attrelid = " CMIG_RELATION_NAMED("$1") " AND NOT a.attisdropped AND r.oid = g.grantee"
		" AND g.privilege_type = 'SELECT'"
		" AND NOT has_table_privilege(r.oid, a.attrelid, 'SELECT')",
		.argtypes = {TEXTOID}
	};

	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		char	   *script = table->viewed ? cmig_query_value(&scripted, table->a->qualified) :
		NULL;
		char	   *count = table->viewed ? cmig_query_value(&numbers, table->a->qualified) : NULL;
		int			hidden = table->filled ? 1 : 0;
		char	   *roles = table->viewed ? cmig_query_value(&limited, table->a->qualified) : NULL;

		foreach_ptr(const CmigVersionColumn, column, table->columns)
			hidden += column->hidden != NULL;
		if (count != NULL && atoi(count) + hidden > MaxHeapAttributeNumber)
			cmig_versions_refuse(psprintf("table %s", table->a->qualified),
								 psprintf("With the dropped ones, it has %s columns, and %d hidden ones would be more than PostgreSQL's limit of %d.", count, hidden, MaxHeapAttributeNumber));
		if (table->filled)
			cmig_versions_require_rows(table->a->qualified, cmig_session_role());
		if (roles != NULL)
			ereport(WARNING,
					(errmsg("with privileges on some columns only, roles cannot read the new version of table %s: %s", table->a->qualified, roles),
					 errdetail("A view with security_invoker requires the privilege to read each of its columns."),
					 errhint("If the new build uses such a role, after the CALL: GRANT SELECT ON %s, %s TO %s", table->a->qualified, table->view, roles)));
		if (table->filled)
			require_none(table->a->qualified, "expanded", ERRCODE_FEATURE_NOT_SUPPORTED);
		if (script != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table %s cannot be expanded because of trigger %s",
							table->a->qualified, script),
					 errdetail("A script from cmig.audit_script() created it. It would log the hidden columns, and each row that is filled."),
					 errhint("SELECT * FROM cmig.enable_audit(%s)",
							 quote_literal_cstr(table->a->qualified))));
	}
}

/* How many places the error lists that must be confirmed. */
#define MAX_READERS 20

void
cmig_versions_require_confirmed(const CmigExpansionPlan *plan)
{
	StringInfoData places;
	char	   *unseen;
	List	   *found = cmig_expansion_readers(&plan->viewed, &plan->hidden, &unseen);

	if (unseen != NULL && plan->viewed.count > 0 && !cmig_scope_is_set())
		ereport(NOTICE,
				(errmsg("statements of the builds were not searched: %s", unseen)));
	found = found ? list_concat(list_copy(plan->immediate), found) : plan->immediate;
	if (found == NIL)
		return;
	initStringInfo(&places);
	foreach_ptr(CmigValue, row, found)
	{
		if (foreach_current_index(row) == MAX_READERS)
		{
			appendStringInfo(&places, "\nand %d more", list_length(found) - MAX_READERS);
			break;
		}
		appendStringInfo(&places, "%s%s %s", places.len > 0 ? "\n" : "", row[0], row[1]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("statements may fail while revision \"%s\" is expanded", plan->revision),
			 errdetail("%s", places.data),
			 cmig_hint("%s%sTo go on: `CALL cmig.expand(%s, confirm => true)`",
					   found == plan->immediate ? "" :
					   "Name the columns there, so that hidden ones do no harm, and use nothing that a view does not take in the new build. ",
					   plan->immediate == NIL ? "" :
					   "Let no statement rely on a deferred check until the revision is contracted. ",
					   quote_literal_cstr(plan->revision))));
}

List *
cmig_versions_replaceable(void)
{
	static CmigQuery query = {
		"SELECT coalesce(" CMIG_OPERATOR_SQL("o") ", p.oid::regprocedure::text), n.nspname::text, p.proowner,"
		"  concat_ws(' ', d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid)"
		" FROM pg_depend d LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid"
		" JOIN pg_proc p ON p.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END"
		" JOIN pg_namespace n ON n.oid = coalesce(o.oprnamespace, p.pronamespace)"
		" WHERE n.nspname <> ALL ('{pg_catalog,cmig}') AND d.deptype = 'n'"
		" AND d.classid = ANY ('{pg_attrdef,pg_class,pg_constraint,pg_policy,pg_proc,pg_publication_rel,pg_rewrite,pg_statistic_ext,pg_trigger,pg_type}'::regclass[])"
		" AND (p.pronargdefaults > 0 OR p.provariadic <> 0 OR EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (p.proargtypes) AND t.typtype = 'p'))"
		" UNION ALL SELECT format('%s AS %s', c.castsource::regtype, c.casttarget::regtype), '', NULL, concat_ws(' ', d.classid, d.objid, d.objsubid, c.castsource::regtype, c.casttarget::regtype)"
		" FROM pg_cast c JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = c.castfunc AND d.deptype = 'n' AND d.classid <> 'pg_cast'::regclass WHERE c.oid >= 16384"
	};

	return cmig_query_list(&query);
}

/*
 * The statements and the triggers name functions, which are found again each time.
 * With the exact types of its arguments, nothing fits better than what was found
 * first; if there are no exact types, only trusted roles may create objects there:
 * those who could replace the function, change the table, or decide what scripts do.
 */
static void
require_exact(CmigPlanning *p)
{
	static CmigQuery query = {
		"SELECT coalesce(quote_ident(r.rolname), 'PUBLIC'), g.oid = n.nspowner FROM pg_namespace n,"
		" LATERAL (SELECT n.nspowner UNION ALL SELECT a.grantee FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE') g (oid)"
		" LEFT JOIN pg_roles r ON r.oid = g.oid WHERE n.nspname = $1::name AND r.rolsuper IS NOT TRUE AND coalesce(r.rolname, '') NOT IN ('pg_database_owner', $3::name)"
		" AND g.oid NOT IN (SELECT $2::oid UNION ALL SELECT datdba FROM pg_database WHERE datname = current_database()"
		"  UNION ALL SELECT relowner FROM pg_class WHERE oid = ANY (SELECT "
		CMIG_RELATION_NAMED("t")
		" FROM unnest($4::text[]) t)) LIMIT 1", {TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID}
	};
	List	   *casts = NIL;

	foreach_ptr(CmigValue, row, p->replaceable)
	{
		char	  **stranger;

		/*
		 * a cast is found by its types, and without it, values are converted
		 * through text
		 */
		if (*row[1] == '\0')
		{
			char	  **cast = palloc0(9 * sizeof(char *));

			cast[0] = "";
			cast[2] = "cast";
			cast[3] = row[0];
			if (!cmig_text_list_has(casts, row[0]))
				p->result->columns = lappend(p->result->columns, cast);
			casts = lappend(casts, row[0]);
			continue;
		}
		stranger = cmig_query_row(&query, row[1], row[2], cmig_session_role(), &p->result->viewed);

		if (stranger != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("another function could be called instead of %s while revision \"%s\" is expanded", row[0], p->result->revision),
					 errdetail("%s can create objects in schema %s, such as a function with the same name that fits a call better, because %s has a polymorphic, variadic, or optional argument.",
							   strcmp(stranger[0], "PUBLIC") == 0 ? "Any role" : psprintf("Role %s", stranger[0]), quote_identifier(row[1]), row[0]),
					 *stranger[1] == 't' ? errhint("ALTER SCHEMA %s OWNER TO %s", quote_identifier(row[1]), quote_identifier(cmig_session_role())) :
					 errhint("REVOKE CREATE ON SCHEMA %s FROM %s", quote_identifier(row[1]), stranger[0])));
	}
}

void
cmig_versions_add_live(CmigPlanning *p)
{
	require_exact(p);
	require_unmanaged(p);
	require_no_obstacle(p);
	cmig_versions_require_unreplicated(p);
	require_copied(p);
	add_privileges(p);
	p->result->columns = list_concat(p->result->columns, cmig_versions_properties(p->result->columns, p->begun));
	add_schema_owners(p);
}

/* ----------------------------------------------------------------
 * Counting rows
 *
 * The stored names can be anything.  A table is locked before anything else about
 * it is looked at, and its rows are read without a query; a sequence, whose kind
 * cannot change, is read by a function.
 * ----------------------------------------------------------------
 */

/* Returns the relation with a stored name, locked, or InvalidOid. */
static Oid
lock_relation(const char *name)
{
	char	   *copy = pstrdup(name ? name : "");
	List	   *parts;

	return SplitIdentifierString(copy, '.', &parts) && list_length(parts) == 2 ?
		RangeVarGetRelid(makeRangeVar(linitial(parts), lsecond(parts), -1), AccessShareLock, true) :
		InvalidOid;
}

/* What is counted, and of which table. */
typedef struct Count
{
	const char *relation;
	const char *sequence;
	CmigExpansionRows *rows;
} Count;

/* Callback: count a row by its state. */
static bool
count_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	CmigExpansionRows *rows = arg;
	bool		isnull;
	Datum		datum = slot_getattr(slot,
									 get_attnum(RelationGetRelid(relation), CMIG_STATE_COLUMN),
									 &isnull);
	char	   *state = isnull ? NULL : TextDatumGetCString(datum);

	if (isnull)
		rows->filled++;
	else if (strcmp(state, "todo") == 0)
		rows->left++;
	else
	{
		rows->failed++;
		if (rows->why == NULL || strcmp(state, rows->why) < 0)
			rows->why = pstrdup(state);
	}
	if (state != NULL)
		pfree(state);
	return true;
}

/* Subtransaction callback: count the rows, if the caller may read them. */
static void
count_rows(void *arg)
{
	static CmigQuery last_write = {
		"SELECT to_timestamp(nullif(pg_sequence_last_value(oid), 0) / 1000000.0)::text"
		" FROM pg_class"
		" WHERE oid = $1 AND CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT') END",
		{OIDOID}
	};
	const Count *count = arg;
	CmigExpansionRows *rows = count->rows;
	Oid			sequence;
	Oid			table;
	AttrNumber	column;

	cmig_settings_override("lock_timeout", "1ms");
	sequence = lock_relation(count->sequence);
	rows->last_write = OidIsValid(sequence) ? cmig_query_value(&last_write, sequence) : NULL;
	rows->unread = OidIsValid(sequence) &&
		pg_class_aclcheck(sequence, GetUserId(), ACL_SELECT) != ACLCHECK_OK;
	table = lock_relation(count->relation);
	column = OidIsValid(table) &&
		strchr("rp", get_rel_relkind(table)) != NULL ? get_attnum(table, CMIG_STATE_COLUMN) : 0;
	rows->counted = column > 0 && get_atttype(table, column) == TEXTOID &&
		check_enable_rls(table, InvalidOid, true) != RLS_ENABLED &&
		(pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck(table, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK) &&
		cmig_rows_visit(table, count_row, rows);
}

CmigExpansionRows
cmig_expansion_rows(const CmigExpansion *expansion, const char *relation, int limit)
{
	static CmigQuery sequence = {
		"SELECT c->>8 FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1"
		" AND c->>0 = $2 AND c->>8 IS NOT NULL LIMIT 1",
		{TEXTOID, TEXTOID}
	};
	CmigExpansionRows rows = {0};
	Count		count = {relation, cmig_query_value(&sequence, expansion->scope, relation), &rows};
	char	   *why = cmig_versions_unnoted(expansion, relation);
	ErrorData  *error = NULL;

	if (limit <= 0 || !cmig_subtransaction_limited(count_rows, &count, limit, &error))
		rows.why = psprintf("rows cannot be counted in a short time: SELECT %s, count(*) FROM %s GROUP BY 1", CMIG_STATE_COLUMN, relation);
	else if (error != NULL)
		rows.why = psprintf("rows cannot be counted: %s",
							error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ?
							"another session has locked the table" : error->message);
	if (why == NULL && rows.unread)
		why = psprintf("last_old_write is not known without the privilege SELECT on sequence %s",
					   count.sequence);
	if (why != NULL)
		rows.why = rows.why ? psprintf("%s; %s", rows.why, why) : why;
	return rows;
}

CmigPlan *
cmig_versions_plan_upgrade(const CmigSituation *now, const char *target)
{
	CmigPlan   *plan = cmig_move_plan_upgrade(now, cmig_argument_one(pstrdup(target)));

	while (plan->count > 0 && cmig_repeatables_is(now->graph, plan->steps[plan->count - 1].node))
		plan->count--;
	return plan;
}

CmigPlan *
cmig_versions_plan_expanded(const CmigSituation *now, const CmigExpansion *expansion)
{
	CmigPlan   *plan = cmig_versions_plan_upgrade(now, expansion->revision);
	CmigListing pending;
	bool		same = plan->count == expansion->revisions->count;

	cmig_listing_init(&pending, CMIG_LISTING_QUOTED);
	for (int i = 0; i < plan->count; i++)
	{
		const char *id = cmig_graph_id(now->graph, plan->steps[i].node);
		bool		found = false;

		for (int j = 0; j < expansion->revisions->count; j++)
			found |= strcmp(expansion->revisions->names[j], id) == 0;
		same &= found;
		cmig_listing_add(&pending, id);
	}
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the expansion of revision \"%s\" does not have the revisions that are pending",
						expansion->revision),
				 errdetail("Since it was expanded, the version rows were changed. Now pending: %s.",
						   pending.count > 0 ? cmig_listing_text(&pending) : "none"),
				 cmig_hint("Restore the version rows that were there, or `CALL cmig.abandon()`,"
						   " record the right revision with cmig.stamp, and expand it again.")));
	return plan;
}

/* How long cmig.expansion() counts, in milliseconds. */
#define COUNT_MS 5000

CmigOldCalls (*cmig_expansion_find_calls) (const CmigSituation *now, const CmigPlan *plan,
										   const CmigExpansion *expansion) = NULL;

/* The argument of find_calls(), and what it has found. */
typedef struct CallSearch
{
	const CmigExpansion *expansion;
	CmigOldCalls calls;
} CallSearch;

/* Subtransaction callback: find the calls of the old version. */
static void
find_calls(void *arg)
{
	CallSearch *search = arg;
	CmigSituation now;
	CmigPlan   *plan;

	cmig_settings_override("client_min_messages", "error");
	now = cmig_move_read(true);
	plan = cmig_versions_plan_upgrade(&now, search->expansion->revision);
	search->calls = cmig_expansion_find_calls(&now, plan, search->expansion);
}

/* Returns their number, or NULL if it cannot be told, and in *callers by whom, or why. */
static char *
describe_calls(const CmigExpansion *expansion, char **callers)
{
	CallSearch	search = {.expansion = expansion};
	ErrorData  *error = cmig_subtransaction_rehearse(find_calls, &search);
	CmigOldCalls calls = search.calls;

	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	if (error != NULL || (calls.unknown != NULL && calls.calls == 0))
	{
		*callers = psprintf("cannot tell: %s", error ? error->message : calls.unknown);
		return NULL;
	}
	*callers = psprintf("%s since %s", calls.calls > 0 ? calls.callers : "none", calls.since);
	return psprintf(INT64_FORMAT, calls.calls);
}

Datum
cmig_expansion(PG_FUNCTION_ARGS)
{
	static CmigQuery columns = {
		"SELECT $2, c->>1, c->>3, c->>4, c->>2, $3::bigint, $4::bigint, $5::bigint, $6, $7::timestamptz, state, $8::bigint, $9"
		" FROM cmig.expansion_run, jsonb_array_elements(columns) WITH ORDINALITY e (c, n)"
		" WHERE scope = $1 AND c->>0 = $2"
		" ORDER BY n", {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		TEXTOID}
	};
	const CmigExpansion *expansion = cmig_expansion_read();
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), COUNT_MS);
	char	   *callers = NULL;
	char	   *calls;

	cmig_version_rows_check_snapshot();
	calls = expansion ? describe_calls(expansion, &callers) : NULL;
	InitMaterializedSRF(fcinfo, 0);
	foreach_ptr(const char, relation, expansion ? cmig_expansion_relations(expansion) : NIL)
	{
		CmigExpansionRows rows = cmig_expansion_rows(expansion, relation,
													 TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end));
		const int64 counts[] = {rows.filled, rows.left, rows.failed};
		Datum		values[9];
		char		nulls[9];

		cmig_query_bind_text(values, nulls, 0, expansion->scope);
		cmig_query_bind_text(values, nulls, 1, relation);
		for (int i = 0; i < lengthof(counts); i++)
			cmig_query_bind_text(values, nulls, i + 2,
								 rows.counted ? psprintf(INT64_FORMAT, counts[i]) : NULL);
		cmig_query_bind_text(values, nulls, 5, rows.why);
		cmig_query_bind_text(values, nulls, 6, rows.last_write);
		cmig_query_bind_text(values, nulls, 7, calls);
		cmig_query_bind_text(values, nulls, 8, callers);
		cmig_query_each(&columns, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	}
	return (Datum) 0;
}

/* Callback: count a row that has a state. */
static bool
count_left(Datum datum, CmigRowsLeft *left)
{
	char	   *state = TextDatumGetCString(datum);

	left->count++;
	left->todo |= strcmp(state, "todo") == 0;
	if (left->least == NULL || strcmp(state, left->least) < 0)
		left->least = state;
	return true;
}

/* Callback: count a row if it has a state. */
static bool
visit_left(Relation relation, TupleTableSlot *slot, void *arg)
{
	bool		isnull;
	Datum		state = slot_getattr(slot,
									 get_attnum(RelationGetRelid(relation), CMIG_STATE_COLUMN),
									 &isnull);

	return isnull || count_left(state, arg);
}

/* Is it a usable index of exactly the rows that have a state? */
static bool
is_of_states(Relation index, AttrNumber column)
{
	Form_pg_index form = index->rd_index;
	bool		isnull;
	Datum		stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indpred,
										 &isnull);
	NullTest   *test = isnull ? NULL : stringToNode(TextDatumGetCString(stored));

	return form->indisvalid && index->rd_rel->relam == BTREE_AM_OID && test != NULL &&
		IsA(test, NullTest) &&
		test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var) &&
		((Var *) test->arg)->varattno == column &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   TransactionXmin));
}

/* Count the rows of the table by the index of the expansion.  Returns false if there is none. */
static bool
count_by_index(Relation relation, CmigRowsLeft *left)
{
	TupleDesc	desc = RelationGetDescr(relation);
	AttrNumber	column = get_attnum(RelationGetRelid(relation), CMIG_STATE_COLUMN);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	bool		found = false;

	foreach_oid(oid, RelationGetIndexList(relation))
	{
		Relation	index = index_open(oid, AccessShareLock);

		if (!found && is_of_states(index, column))
		{
			SysScanDesc scan = systable_beginscan_ordered(relation, index, GetActiveSnapshot(), 0,
														  NULL);
			HeapTuple	row;

			found = true;
			while ((row = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
			{
				heap_deform_tuple(row, desc, values, nulls);
				(void) count_left(values[column - 1], left);
			}
			systable_endscan_ordered(scan);
		}
		index_close(index, AccessShareLock);
	}
	return found;
}

/* The table's owner can alter its hidden columns. */
static void
require_state(Relation relation)
{
	AttrNumber	column = get_attnum(RelationGetRelid(relation), CMIG_STATE_COLUMN);

	if (column <= 0 || TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid != TEXTOID)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of table \"%s\" was dropped or altered", CMIG_STATE_COLUMN,
						RelationGetRelationName(relation)),
				 cmig_hint("`CALL cmig.abandon()`")));
}

CmigRowsLeft
cmig_versions_rows_left(const char *relation)
{
	CmigRowsLeft left = {0};
	Oid			table = lock_relation(relation);

	/* with what was committed while the lock was waited for */
	PushActiveSnapshot(cmig_latest_snapshot());
	foreach_oid(leaf, OidIsValid(table) ? cmig_inheritors(table, AccessShareLock) : NIL)
	{
		Relation	rows = relation_open(leaf, NoLock);

		if (rows->rd_rel->relkind == RELKIND_RELATION)
		{
			require_state(rows);
			if (!count_by_index(rows, &left))
				(void) cmig_rows_visit(leaf, visit_left, &left);
		}
		relation_close(rows, NoLock);
	}
	PopActiveSnapshot();
	return left;
}

void
cmig_versions_require_triggers(const CmigExpansion *expansion, const List *steps,
							   const char *relation, const char *scopes)
{
	static CmigQuery without_default = {
		"SELECT y.relid::regclass FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") ") y JOIN pg_attribute a ON a.attrelid = y.relid JOIN pg_class c ON c.oid = y.relid"
		" WHERE a.attname = '" CMIG_STATE_COLUMN "' AND NOT a.attisdropped AND (NOT a.atthasdef OR c.relkind = 'f') ORDER BY 1 LIMIT 1", {TEXTOID}
	};
	char	  **broken = cmig_versions_broken_trigger(expansion, steps, relation);
	char	   *attached = cmig_query_value(&without_default, relation);

	if (attached != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows of partition %s may not be transformed", attached),
				 errdetail("It was attached while table %s is expanded, and is a foreign table, or does not have its defaults.", relation),
				 errhint("Detach it, create a partition with CREATE TABLE ... PARTITION OF, and insert the rows there.")));
	if (broken != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 *broken[2] == 't' ? errmsg("partition %s was attached while revision \"%s\" is expanded", broken[1], expansion->revision) :
				 errmsg("%s of table %s was dropped, disabled, or altered", broken[0], broken[1]),
				 errdetail("Rows that were updated meanwhile may have the values of one version only."),
				 cmig_hint("`CALL cmig.expand(%s%s%s)` creates %s again, and fills the rows that were inserted meanwhile. Then, for each row that was updated meanwhile: UPDATE %s SET %s = 'old' WHERE <only its old version is right>, or 'new'.",
						   quote_literal_cstr(expansion->revision), *scopes ? ", " : "", scopes,
						   *broken[2] == 't' ? "its triggers" : "it", broken[1], CMIG_STATE_COLUMN)));
}

void
cmig_versions_require_transformed(const CmigExpansion *expansion, const List *steps,
								  const List *relations, const char *scopes)
{
	const char *arguments = psprintf("%s%s%s", quote_literal_cstr(expansion->revision), *scopes ? ", " : "", scopes);

	(void) cmig_versions_require_tables(expansion, NULL);
	cmig_versions_require_partitions(relations, expansion->revision);
	foreach_ptr(const char, relation, relations)
	{
		CmigRowsLeft left = cmig_versions_rows_left(relation);

		cmig_versions_require_rows(relation, GetUserNameFromId(GetUserId(), false));
		require_none(relation, "contracted", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
		cmig_versions_require_triggers(expansion, steps, relation, scopes);
		if (left.count > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s of table %s could not be transformed", left.count == 1 ? "1 row" : psprintf("%lld rows", (long long) left.count), relation),
					 strcmp(left.least, "todo") == 0 ? errdetail("They were written while the triggers of the expansion were not enabled.") :
					 errdetail("The first reason is: %s", left.least),
					 strcmp(left.least, "todo") == 0 ? 0 : errdetail_log("The first reason is: %.*s", (int) strcspn(left.least, ":"), left.least),
					 strcmp(left.least, "todo") == 0 ? cmig_hint("`CALL cmig.expand(%s)` fills them.", arguments) :
					 errhint("SELECT * FROM %s WHERE %s IS NOT NULL shows them. An UPDATE of such a row transforms it again.", relation, CMIG_STATE_COLUMN)));
	}
}

void
cmig_versions_store_steps(const List *steps)
{
	static CmigQuery insert = {
		"INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement)"
		" VALUES ($1, $2, $3, $4, $5)", {TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID}
	};
	static CmigQuery seal = {
		"UPDATE cmig.expansion_run r SET checksum = concat(md5($2), '-', (" TEXTS_CHECKSUM("r.revisions") "))"
		" WHERE r.scope = $1", {TEXTOID, TEXTOID}
	};
	Oid			runs = get_relname_relid("expansion_run", get_namespace_oid("cmig", false));
	const char *scope = cmig_scope_current();	/* the owner of the table has
												 * another one */
	StringInfoData texts;
	CmigRole	caller;
	int			position = 0;

	initStringInfo(&texts);
	foreach_ptr(const CmigExpansionStep, step, steps)
	{
		cmig_query_do(&insert, scope, ++position, step->phase, step->relation,
					  step->sql);
		appendStringInfo(&texts, "%s%d %s %s %s", position > 1 ? "\n" : "", position, step->phase,
						 step->relation, step->sql);
	}
	cmig_role_act_as_owner(&caller, cmig_role_owner_of(runs));
	cmig_query_do(&seal, scope, texts.data);
	cmig_role_return(&caller);
}

void
cmig_versions_require_texts(const CmigExpansion *expansion)
{
	static CmigQuery changed = {
		"SELECT concat(split_part(r.checksum, '-', 1), '-', t.t) FROM cmig.expansion_run r, LATERAL (" TEXTS_CHECKSUM("r.revisions") ") t(t) WHERE r.scope = $1 AND split_part(r.checksum, '-', 2) IS DISTINCT FROM t.t", {TEXTOID}
	};
	const char *checksum = cmig_query_value(&changed, expansion->scope);

	if (checksum != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_CHANGED_REVISION),
				 errmsg("the text of revision \"%s\", or of one below it, was changed since it was expanded", expansion->revision),
				 errdetail("It would be recorded as applied, although another text was."),
				 cmig_hint("`CALL cmig.abandon()`, and expand it again. If the change does not matter: UPDATE cmig.expansion_run SET checksum = %s WHERE scope = %s",
						   quote_literal_cstr(checksum), quote_literal_cstr(expansion->scope))));
}

/* The triggers are in the library for applications' sessions. */

void
cmig_versions_set_filling(Oid table, bool strict)
{
	void		(*fill) (bool, bool) = cmig_library_session_function("cmig_versions_fill");

	cmig_expansion_fills = table;
	fill(OidIsValid(table), strict);
}

void
cmig_versions_set_dependencies(Oid table)
{
	void		(*record) (Oid) =
	cmig_library_session_function("cmig_versions_record_dependencies");

	record(table);
}

Datum
cmig_version_schema(PG_FUNCTION_ARGS)
{
	char	   *revision = cmig_argument_text(fcinfo, 0);
	char	   *schema = cmig_argument_text(fcinfo, 1);

	if (revision == NULL || schema == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(cmig_version_schema_name(revision, schema)));
}
