/*
 * kind_extension.c
 *	  Extensions, with their versions and schemas.
 *
 * Extension members are not compared.  An object that depends on a member
 * depends on the extension (image_read.c).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	VERSION,
	SCHEMA,
	RELOCATABLE
};

static const CmigProperty properties[] = {
	[VERSION] = {"version"},
	[SCHEMA] = {"schema"},
	[RELOCATABLE] = {"relocatable", CMIG_PROPERTY_SILENT},
};

/*
 * SQL condition: is the current user allowed to move the extension?  ALTER
 * EXTENSION SET SCHEMA requires ownership of all members, and the members of a
 * trusted extension belong to the bootstrap superuser.
 */
#define MAY_MOVE \
	"((SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR NOT EXISTS (SELECT FROM pg_depend d" \
	" JOIN pg_proc p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass" \
	" AND d.refobjid = e.oid AND d.deptype = 'e' AND NOT pg_has_role(p.proowner, 'USAGE')))"

/*
 * Query for the extensions, except those that the target has not declared.  In
 * the shadow, undeclared extensions have names that begin with cmig_hidden_.
 * Like pg_cmig, Citus is left out: it belongs to the database, not to its
 * schema.
 */
static const char extension_sql[] =
"SELECT 'pg_extension'::regclass::oid, e.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" e.extname::text, quote_ident(e.extname), pg_get_userbyid(e.extowner)::text, false, e.extversion::text, quote_ident(n.nspname), CASE WHEN e.extrelocatable AND " MAY_MOVE " THEN 't' END"
" FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
" WHERE e.oid >= 16384 AND e.extname NOT IN ('pg_cmig', 'citus', 'citus_columnar') AND e.extname !~ '^cmig_hidden_'";

static List *
create_extension(const CmigObject *extension)
{
	return cmig_ddl_append(NIL, psprintf("CREATE EXTENSION %s WITH SCHEMA %s", extension->identity, extension->values[SCHEMA]),
						   cmig_kind_drop(extension));
}

const char *
cmig_extension_schema(const CmigObject *extension)
{
	return extension->values[SCHEMA];
}

bool
cmig_extension_is_relocatable(const CmigObject *extension)
{
	return extension->values[RELOCATABLE] != NULL;
}

static void
alter_extension(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	/*
	 * this extension is not relocatable, because extension_move.c has already
	 * moved the relocatable ones
	 */
	if (cmig_alter_differs(alter, SCHEMA))
	{
		alter->unsupported = psprintf("it is in schema %s, and cannot be moved to %s", from->values[SCHEMA], to->values[SCHEMA]);
		return;
	}
	if (cmig_alter_differs(alter, VERSION))
		cmig_alter_action(alter, psprintf("UPDATE TO %s", cmig_literal(to->values[VERSION])),
						  psprintf("UPDATE TO %s", cmig_literal(from->values[VERSION])));
}

CmigKind	cmig_kind_extension = {
	.name = "extension",.word = "EXTENSION",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(properties),
	.sql = extension_sql,.create = create_extension,.alter = alter_extension
};
