/*
 * extension_move.c
 *	  Moves extensions to the schemas that they have in the target.
 *
 * Extensions are moved before anything else is compared, because other
 * objects' definitions contain the schemas of the extensions' types and
 * functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"
#include "schema/extension_move.h"
#include "shadow/shadow_members.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* The state of moving extensions to their schemas in the target. */
typedef struct Move
{
	const CmigManaged *managed;
	const CmigImage *to;
	CmigMembers *members;
	int			count;
	CmigExtension *extensions;
	CmigDiffCallback callback;
	void	   *arg;
} Move;

/* Returns the extension's schema in the target, or NULL if it need not move. */
static const char *
new_schema(const CmigObject *extension, const CmigImage *to)
{
	const CmigObject *other = extension->kind != &cmig_kind_extension ? NULL :
	cmig_image_lookup(to, extension->kind, extension->identity);

	if (other == NULL || !cmig_extension_is_relocatable(extension) ||
		strcmp(cmig_extension_schema(extension), cmig_extension_schema(other)) == 0)
		return NULL;
	return cmig_extension_schema(other);
}

bool
cmig_extension_move_needed(const CmigImage *from, const CmigImage *to)
{
	for (int i = 0; i < from->count; i++)
		if (new_schema(from->objects[i], to) != NULL)
			return true;
	return false;
}

/* Returns the schema with this quoted name; creates it if it is missing. */
static Oid
find_schema(Move *move, const char *quoted)
{
	char	   *name = strVal(linitial(textToQualifiedNameList(cstring_to_text(quoted))));
	Oid			oid = get_namespace_oid(name, true);
	CmigDiffRow row = {"create", cmig_kind_schema.name, quoted};

	if (OidIsValid(oid))
		return oid;
	oid = NamespaceCreate(name, GetUserId(), false);
	CommandCounterIncrement();
	move->managed = cmig_managed_with(move->managed, name, oid);
	row.subject = cmig_image_lookup(move->to, &cmig_kind_schema, quoted);
	row.upgrade = psprintf("CREATE SCHEMA %s", quoted);
	row.downgrade = psprintf("DROP SCHEMA %s", quoted);
	move->callback(&row, move->arg);
	return oid;
}

/* Move one extension in the catalogs, and pass its row to the callback. */
static void
move_extension(Move *move, const CmigObject *object, const char *schema)
{
	CmigDiffRow row = {"alter", object->kind->name, object->identity,.subject = object};
	Oid			to = find_schema(move, schema);

	for (int i = 0; i < move->count; i++)
	{
		const CmigExtension *extension = &move->extensions[i];

		if (extension->oid != object->address.object)
			continue;
		cmig_shadow_members_move(move->members, extension->oid, extension->schema, to);
		cmig_shadow_extension_set_schema(extension, extension->schema, to);
	}
	row.upgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, schema);
	row.downgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, cmig_extension_schema(object));
	move->callback(&row, move->arg);
}

const CmigManaged *
cmig_extension_move(const CmigManaged *managed, const CmigImage *from, const CmigImage *to,
					CmigDiffCallback callback, void *arg)
{
	Move		move = {.managed = managed,.to = to,.callback = callback,.arg = arg};

	move.members = cmig_shadow_members_list();
	move.extensions = cmig_shadow_extension_list(&move.count);
	for (int i = 0; i < from->count; i++)
	{
		const char *schema = new_schema(from->objects[i], to);

		if (schema != NULL)
			move_extension(&move, from->objects[i], schema);
	}
	CommandCounterIncrement();
	return move.managed;
}
