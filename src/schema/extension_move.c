/*
 * extension_move.c
 *	  Moves extensions to the schemas that they have in the target, and keeps
 *	  those that no revision has created.
 *
 * Extensions are moved before anything else is compared, because other
 * objects' definitions contain the schemas of the extensions' types and
 * functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "base/text_list.h"
#include "compare/keep.h"
#include "kinds/kinds.h"
#include "parse/lexer.h"
#include "schema/extension_move.h"
#include "shadow/shadow_members.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "parser/scansup.h"
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

/*
 * Extensions that no revision has created
 */

/*
 * Append the names of the extensions that the SQL creates, and those that SQL
 * in its strings would create.
 */
static void
find_created(const char *sql, List **names)
{
	CmigLexer	lexer;
	int			found = 0;		/* 1 after CREATE, 2 after EXTENSION */

	if (strcasestr(sql, "extension") == NULL)
		return;
	cmig_lexer_init(&lexer, sql);
	lexer.standard_conforming_strings = true;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR)
		{
			const char *from = strchr(lexer.start + 1, *lexer.start == '$' ? '$' : '\'');

			if (*lexer.start == '\'')
				from = lexer.start;
			if (from != NULL && from < lexer.next)
				find_created(pnstrdup(from + 1, lexer.next - from - 1), names);
			found = 0;
		}
		else if (cmig_lexer_is_word(&lexer, "create"))
			found = 1;
		else if (found == 1)
			found = cmig_lexer_is_word(&lexer, "extension") ? 2 : 0;
		else if (found == 2 && !cmig_lexer_is_word(&lexer, "if") && !cmig_lexer_is_word(&lexer, "not") &&
				 !cmig_lexer_is_word(&lexer, "exists"))
		{
			int			length = lexer.next - lexer.start;

			if (lexer.type == CMIG_TOKEN_QUOTED && *lexer.start == '"')
				*names = lappend(*names, pnstrdup(lexer.start + 1, length - 2));
			else if (lexer.type == CMIG_TOKEN_WORD)
				*names = lappend(*names, downcase_truncate_identifier(lexer.start, length, false));
			found = 0;
		}
	}
}

/* A CmigRevisionTextCallback: find the extensions that the revision creates. */
static void
find_created_by(const CmigRevisionText *text, void *arg)
{
	find_created(text->upgrade_sql, arg);
}

List *
cmig_extension_created(const CmigSituation *now)
{
	List	   *created = NIL;
	CmigNames	applied = {0};

	applied.names = palloc(sizeof(char *) * Max(now->graph->count, 1));
	for (int i = 0; i < now->graph->count; i++)
		if (now->applied->applied->set[i])
			applied.names[applied.count++] = (char *) now->graph->nodes[i].revision->id;
	cmig_catalog_each_text_of(&applied, find_created_by, &created);
	return created;
}

void
cmig_extension_tell_kept(List *names)
{
	CmigListing listing;
	ListCell   *cell;

	if (names == NIL)
		return;
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(cell, names)
		cmig_listing_add(&listing, quote_identifier(lfirst(cell)));
	ereport(NOTICE,
			(errmsg_plural("an extension that no applied revision has created was left unchanged: %s",
						   "extensions that no applied revision has created were left unchanged: %s",
						   list_length(names), cmig_listing_text(&listing)),
			 errhint("To create or drop an extension in all databases, put CREATE EXTENSION IF NOT EXISTS or DROP EXTENSION IF EXISTS into a revision.")));
}

/* A CmigKeepCandidate: returns true if the object is in the list. */
static bool
is_listed(const CmigObject *object, void *arg)
{
	return list_member_ptr(arg, object);
}

void
cmig_extension_keep(const CmigImage *live, CmigImage *target)
{
	List	   *created = NIL;
	List	   *kept = NIL;
	List	   *names = NIL;
	bool		read = false;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];

		if (object->kind != &cmig_kind_extension || object->foreign ||
			cmig_image_lookup(target, object->kind, object->identity) != NULL)
			continue;
		if (!read)
		{
			CmigSituation now = cmig_move_read(false);

			created = cmig_extension_created(&now);
			read = true;
		}
		if (cmig_text_list_has(created, object->name))
			continue;
		names = lappend(names, (char *) object->name);
		kept = lappend(kept, (void *) object);
		for (int j = 0; j < object->ndepends; j++)
			if (object->depends[j]->kind == &cmig_kind_schema)
				kept = list_append_unique_ptr(kept, (void *) object->depends[j]);
	}
	if (kept != NIL)
		cmig_keep(live, target, is_listed, kept);
	cmig_extension_tell_kept(names);
}
