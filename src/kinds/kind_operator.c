/*
 * kind_operator.c
 *	  Operators, operator families with their members, and operator classes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	DEFINITION,
	LINKS,
	ESTIMATORS
};

static const CmigProperty operator_properties[] = {
	[DEFINITION] = {"definition"},
	[LINKS] = {"commutator and negator"},
	[ESTIMATORS] = {"estimators"},
};

#define OPERATOR_NAME(alias, names) "format('OPERATOR(%I.%s)', " names ".nspname, " alias ".oprname)"
#define OPERATOR_ARGUMENTS(alias) \
	"coalesce(format_type(nullif(" alias ".oprleft, 0), NULL), 'NONE'), coalesce(format_type(nullif(" alias ".oprright, 0), NULL), 'NONE')"

/*
 * Query for the operators, except shell operators, which other operators refer
 * to, but which are not defined yet.
 */
static const char operator_sql[] =
"SELECT 'pg_operator'::regclass::oid, o.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" o.oprname::text, format('%I.%s (%s, %s)', n.nspname, o.oprname, " OPERATOR_ARGUMENTS("o") "),"
" pg_get_userbyid(o.oprowner)::text, false,"
" format('CREATE OPERATOR %I.%s (', n.nspname, o.oprname) || concat_ws(', ', 'FUNCTION = ' || o.oprcode::regproc::text,"
"  'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL), 'RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL),"
"  CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END),"
" concat((SELECT ', COMMUTATOR = ' || " OPERATOR_NAME("c", "cn") " FROM pg_operator c JOIN pg_namespace cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprcom),"
"  (SELECT ', NEGATOR = ' || " OPERATOR_NAME("g", "gn") " FROM pg_operator g JOIN pg_namespace gn ON gn.oid = g.oprnamespace WHERE g.oid = o.oprnegate)),"
" format('RESTRICT = %s, JOIN = %s', coalesce(nullif(o.oprrest, 0)::regproc::text, 'NONE'), coalesce(nullif(o.oprjoin, 0)::regproc::text, 'NONE'))"
" FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprnamespace = ANY ($1) AND o.oprcode <> 0";

/*
 * Set the estimators with ALTER OPERATOR.  Re-create the operator if anything
 * else differs, because ALTER OPERATOR cannot change it.
 */
static void
alter_operator(CmigAlter *alter)
{
	if (alter->from->values[DEFINITION] != NULL &&
		(cmig_alter_differs(alter, DEFINITION) || cmig_alter_differs(alter, LINKS)))
		alter->again = true;
	else if (cmig_alter_differs(alter, ESTIMATORS))
		cmig_alter_action(alter, psprintf("SET (%s)", alter->to->values[ESTIMATORS]),
						  alter->from->values[ESTIMATORS] == NULL ? "SET (RESTRICT = NONE, JOIN = NONE)" :
						  psprintf("SET (%s)", alter->from->values[ESTIMATORS]));
}

static List *
create_operator(const CmigObject *operator)
{
	char	   *const *values = operator->values;
	List	   *ddl;

	ddl = cmig_ddl_append(NIL, psprintf("%s%s)", values[DEFINITION], values[LINKS]),
						  cmig_kind_drop(operator));
	if (strcmp(values[ESTIMATORS], "RESTRICT = NONE, JOIN = NONE") == 0)
		return ddl;
	return cmig_kind_complete(operator, ddl, alter_operator);
}

CmigKind	cmig_kind_operator = {
	.name = "operator",.word = "OPERATOR",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(operator_properties),
	.sql = operator_sql,.create = create_operator,.alter = alter_operator
};

/*
 * Operator families
 */

static const CmigProperty properties[] = {
	{"definition"},
};

static const char family_sql[] =
"SELECT 'pg_opfamily'::regclass::oid, f.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" f.opfname::text, format('%I.%I USING %I', n.nspname, f.opfname, m.amname), pg_get_userbyid(f.opfowner)::text, false, NULL::text"
" FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod"
" WHERE f.opfnamespace = ANY ($1)";

static List *
create_family(const CmigObject *family)
{
	return cmig_ddl_append(NIL, psprintf("CREATE %s", cmig_kind_reference(family)), cmig_kind_drop(family));
}

CmigKind	cmig_kind_operator_family = {
	.name = "operator family",.word = "OPERATOR FAMILY",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = family_sql,.create = create_family
};

#define AMOP_TEXT \
	"concat(format('OPERATOR %s %I.%s (%s, %s)', a.amopstrategy, opn.nspname, o.oprname, " OPERATOR_ARGUMENTS("o") ")," \
	" (SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = a.amopsortfamily))"
#define AMOP_FROM "pg_amop a JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace opn ON opn.oid = o.oprnamespace"
#define AMPROC_TEXT \
	"format('FUNCTION %s (%s, %s) %s', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL), a.amproc::regprocedure)"

/* Query for the family members that do not belong to an operator class. */
static const char member_sql[] =
"SELECT 'pg_amop'::regclass::oid, a.oid, 0, 'pg_opfamily'::regclass::oid, f.oid, 0,"
" format('OPERATOR %s (%s, %s)', a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)),"
" format('%I.%I USING %s: operator %s (%s, %s)', n.nspname, f.opfname, f.opfmethod, a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)),"
" NULL::text, false, " AMOP_TEXT
" FROM " AMOP_FROM " JOIN pg_opfamily f ON f.oid = a.amopfamily JOIN pg_namespace n ON n.oid = f.opfnamespace"
" WHERE f.opfnamespace = ANY ($1) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_amop'::regclass"
"  AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass)"
" UNION ALL SELECT 'pg_amproc'::regclass::oid, a.oid, 0, 'pg_opfamily'::regclass::oid, f.oid, 0,"
" format('FUNCTION %s (%s, %s)', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)),"
" format('%I.%I USING %s: function %s (%s, %s)', n.nspname, f.opfname, f.opfmethod, a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)),"
" NULL::text, false, " AMPROC_TEXT
" FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily JOIN pg_namespace n ON n.oid = f.opfnamespace"
" WHERE f.opfnamespace = ANY ($1) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_amproc'::regclass"
"  AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass)";

static char *
drop_member(const CmigObject *member)
{
	return psprintf("ALTER %s DROP %s", cmig_kind_reference(member->parent), member->name);
}

static List *
create_member(const CmigObject *member)
{
	return cmig_ddl_append(NIL, psprintf("ALTER %s ADD %s", cmig_kind_reference(member->parent), member->values[0]),
						   drop_member(member));
}

CmigKind	cmig_kind_operator_family_member = {
	.name = "member of an operator family",.word = "MEMBER",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = member_sql,.create = create_member,.drop = drop_member
};

/*
 * Operator classes
 */

/*
 * Query for the operator classes.  CREATE OPERATOR CLASS requires a list of
 * members, so a class without members has a STORAGE clause with its own type.
 */
static const char class_sql[] =
"SELECT 'pg_opclass'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.opcname::text, format('%I.%I USING %I', n.nspname, c.opcname, m.amname), pg_get_userbyid(c.opcowner)::text, false,"
" format('CREATE OPERATOR CLASS %I.%I%s FOR TYPE %s USING %I FAMILY %I.%I AS %s', n.nspname, c.opcname,"
"  CASE WHEN c.opcdefault THEN ' DEFAULT' END, format_type(c.opcintype, NULL), m.amname, fn.nspname, f.opfname,"
"  coalesce(nullif(concat_ws(', ', CASE WHEN c.opckeytype <> 0 THEN 'STORAGE ' || format_type(c.opckeytype, NULL) END,"
"   (SELECT string_agg(" AMOP_TEXT ", ', ' ORDER BY a.amopstrategy, a.amoplefttype::regtype::text, a.amoprighttype::regtype::text) FROM " AMOP_FROM
"    JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid),"
"   (SELECT string_agg(" AMPROC_TEXT ", ', ' ORDER BY a.amprocnum, a.amproclefttype::regtype::text, a.amprocrighttype::regtype::text) FROM pg_amproc a"
"    JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid)), ''), 'STORAGE ' || format_type(c.opcintype, NULL)))"
" FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am m ON m.oid = c.opcmethod"
" JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace"
" WHERE c.opcnamespace = ANY ($1)";

/*
 * Query for dependencies: an operator class depends on everything that its
 * members depend on.
 */
static const char class_depends[] =
"SELECT 'pg_opclass'::regclass::oid, d.refobjid, 0, e.refclassid, e.refobjid, e.refobjsubid"
" FROM pg_opclass c JOIN pg_depend d ON d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid"
"  AND d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)"
" JOIN pg_depend e ON e.classid = d.classid AND e.objid = d.objid AND e.refclassid <> 'pg_opclass'::regclass"
" WHERE c.opcnamespace = ANY ($1)";

static List *
create_class(const CmigObject *class)
{
	return cmig_ddl_append(NIL, class->values[0], cmig_kind_drop(class));
}

CmigKind	cmig_kind_operator_class = {
	.name = "operator class",.word = "OPERATOR CLASS",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),
	.sql = class_sql,.depends = class_depends,.create = create_class
};
