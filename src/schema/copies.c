/*
 * copies.c
 *	  Copies of live objects in the shadow, on which revisions run.
 *
 * The cost follows the scripts: where parse trees show all names, only the
 * objects with a name that the scripts contain are copied, with what they need
 * and, if a statement can change them, their dependents.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Chooses the objects to copy.
 * ----------------------------------------------------------------
 */

/* Which objects a statement can concern. */
typedef enum Reach
{
	REACH_NAMED,				/* those that it names */
	REACH_DEPENDENTS,			/* also their dependents */
	REACH_ALL
} Reach;

static Reach
reach_of_actions(const AlterTableStmt *alter)
{
	foreach_node(AlterTableCmd, command, alter->cmds)
		switch (command->subtype)
	{
		case AT_AddColumn:
		case AT_AddConstraint:
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_ValidateConstraint:
		case AT_EnableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_SetRelOptions:
		case AT_SetStatistics:
			break;
		default:
			return REACH_DEPENDENTS;
	}
	return REACH_NAMED;
}

static Reach
reach_of(Node *statement)
{
	int			flags = cmig_statement_flags(statement);

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return reach_of_actions((AlterTableStmt *) statement);
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->schemaElts == NIL ? REACH_NAMED : REACH_ALL;
		case T_GrantStmt:
			return ((GrantStmt *) statement)->targtype == ACL_TARGET_OBJECT &&
				((GrantStmt *) statement)->objtype != OBJECT_SCHEMA ? REACH_DEPENDENTS : REACH_ALL;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_SCHEMA ? REACH_ALL :
				REACH_DEPENDENTS;
		case T_DropStmt:
			switch (((DropStmt *) statement)->removeType)
			{
				case OBJECT_TABLE:
				case OBJECT_VIEW:
				case OBJECT_MATVIEW:
				case OBJECT_INDEX:
				case OBJECT_SEQUENCE:
				case OBJECT_TYPE:
				case OBJECT_DOMAIN:
				case OBJECT_FUNCTION:
				case OBJECT_PROCEDURE:
				case OBJECT_POLICY:
				case OBJECT_TRIGGER:
				case OBJECT_RULE:
					return REACH_DEPENDENTS;
				default:
					return REACH_ALL;
			}
		default:
			return flags & CMIG_STATEMENT_NAMED ? REACH_NAMED : flags & CMIG_STATEMENT_DEPENDENTS ?
				REACH_DEPENDENTS : REACH_ALL;
	}
}

/* The words of a text, in lower case, to look names up. */
static HTAB *
words_make(void)
{
	HASHCTL		control =
	{.keysize = NAMEDATALEN,.entrysize = NAMEDATALEN,.hcxt = CurrentMemoryContext};

	return hash_create("pg_cmig words", 256, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

#define QUOTED_QUOTE "\"\""

static void
words_add(HTAB *words, const char *text)
{
	/*
	 * what is between two quotes may be a name, which can have a quote or
	 * code points of Unicode itself
	 */
	for (const char *quote = strchr(text, '"'); quote != NULL; quote = strchr(quote + 1, '"'))
		if (quote[1] == '"' ||
			(quote - text >= 2 && quote[-1] == '&' && pg_toupper(quote[-2]) == 'U'))
			(void) hash_search(words, QUOTED_QUOTE, HASH_ENTER, NULL);
	for (const char *quote = "\"'"; *quote != '\0'; quote++)
	{
		const char *end;

		for (const char *start = strchr(text, *quote); start != NULL &&
			 (end = strchr(start + 1, *quote)) != NULL; start = end)
		{
			char		name[NAMEDATALEN] = "";

			if (end - start > 1 && end - start <= NAMEDATALEN)
				(void) hash_search(words, memcpy(name, start + 1, end - start - 1), HASH_ENTER,
								   NULL);
		}
	}
	while (*text != '\0')
	{
		char		word[NAMEDATALEN];
		int			length = 0;

		for (; cmig_text_is_word(*text); text++)
			if (length < NAMEDATALEN - 1)
				word[length++] = pg_ascii_tolower((unsigned char) *text);
		word[length] = '\0';
		/* numbers are not names, and a query can have many */
		if (length > 0 && !isdigit((unsigned char) *word))
			(void) hash_search(words, word, HASH_ENTER, NULL);
		text += *text != '\0';
	}
}

/* Do the words contain each word of the name? */
static bool
words_have(HTAB *words, const char *name)
{
	HTAB	   *own;
	HASH_SEQ_STATUS scan;
	const char *word;
	bool		all = true;

	own = words_make();
	words_add(own, name);
	hash_seq_init(&scan, own);
	while ((word = hash_seq_search(&scan)) != NULL)
		all &= hash_search(words, word, HASH_FIND, NULL) != NULL;
	hash_destroy(own);
	return all;
}

/* What the scripts name. */
typedef struct ScriptNames
{
	HTAB	   *all;
	HTAB	   *changed;		/* names in statements that can change
								 * dependents */
	HTAB	   *bodies;			/* names in functions that may be called */
	bool		everything;
	const char *sql;			/* the script to read */
} ScriptNames;

/* Subtransaction callback: add what the statements of a script name. */
static void
names_add(void *arg)
{
	ScriptNames *names = arg;
	CmigScriptReader *script = cmig_script_open(names->sql);
	CmigStatement statement = {0};

	while (cmig_script_next(script, &statement))
	{
		Reach		reach = reach_of(statement.raw->stmt);

		names->everything |= reach == REACH_ALL;
		words_add(names->all, statement.text);
		if (reach == REACH_DEPENDENTS)
			words_add(names->changed, statement.text);
	}
	cmig_script_close(script);
}

/*
 * Is the object found by its own name?  Columns are found with their tables, and
 * what a statement does to a schema or an extension concerns everything.
 */
static bool
has_own_name(const CmigObject *object)
{
	if (object->kind == &cmig_kind_schema || object->kind == &cmig_kind_extension)
		return false;
	return object->parent == NULL || (object->kind->flags & CMIG_KIND_RELATION) != 0 ||
		object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_foreign_key;
}

/*
 * Choose the objects that the scripts name, the children of tables, and what
 * depends on objects that the scripts can change, with the tables to which these
 * dependents belong.
 */
static void
choose_named(const CmigImage *image, const ScriptNames *names, bool *named)
{
	bool	   *changed = palloc0(Max(image->count, 1));
	bool		found = true;

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		int			root = cmig_object_root(object)->index;

		if (!has_own_name(object))
			continue;
		named[root] |= words_have(names->all, object->name);
		changed[root] |= words_have(names->changed, object->name);
	}
	while (found)
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];
			int			root = cmig_object_root(object)->index;
			bool		change = object->parent != NULL && changed[object->parent->index];
			bool		child = false;

			for (int j = 0; j < object->ndepends; j++)
			{
				change |= changed[object->depends[j]->index];
				child |= (object->kind == &cmig_kind_partition || cmig_table_is(object)) &&
					named[cmig_object_root(object->depends[j])->index];
			}
			if (change && !changed[i])
				found = changed[i] = true;
			if ((change || child) && !named[root])
				found = named[root] = true;
		}
	}
}

bool
cmig_copies_add(bool *chosen, const CmigObject *object)
{
	if (chosen[object->index])
		return false;
	return chosen[object->index] = true;
}

bool
cmig_copies_complete(const CmigImage *image, bool *chosen, const bool *touched)
{
	bool		any = false,
				found = true;

	while (found)
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];
			CmigObject *root = cmig_object_root(object);

			if (chosen[root->index] &&
				(object->kind != &cmig_kind_foreign_key || touched[root->index]))
				found |= cmig_copies_add(chosen, object);
			if (!chosen[i])
				continue;
			found |= cmig_copies_add(chosen, root);
			for (int j = 0; j < object->ndepends; j++)
				found |= cmig_copies_add(chosen, object->depends[j]);
			for (int j = 0; j < object->nsoft; j++)
				found |= cmig_copies_add(chosen, object->soft[j]);
		}
		any |= found;
	}
	return any;
}

/* Read what the scripts and queries, lists of char *, name. */
static ScriptNames
read_names(const List *scripts, const List *queries)
{
	ScriptNames names = {.all = words_make(),.changed = words_make(),.bodies = words_make()};

	foreach_ptr(const char, sql, scripts)
	{
		ErrorData  *error;

		names.sql = sql;
		error = cmig_subtransaction_try(names_add, &names);
		/* a script with a syntax error is read up to there */
		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
	}
	foreach_ptr(const char, query, queries)
		words_add(names.all, query);
	return names;
}

/* Choose what has these names, and what that needs. */
static bool *
choose(const CmigImage *image, const ScriptNames *names)
{
	bool	   *named = palloc0(Max(image->count, 1));
	bool	   *chosen = palloc0(Max(image->count, 1));

	if (names->everything)
		memset(named, true, Max(image->count, 1));
	else
		choose_named(image, names, named);
	for (int i = 0; i < image->count; i++)
		chosen[i] = named[i] || image->objects[i]->kind == &cmig_kind_schema ||
			image->objects[i]->kind == &cmig_kind_extension;
	(void) cmig_copies_complete(image, chosen, named);
	return chosen;
}

/* Returns the names as a text[]. */
static Datum
words_datum(HTAB *words)
{
	CmigNames	names = {.names = palloc(sizeof(char *) * Max(hash_get_num_entries(words), 1))};
	HASH_SEQ_STATUS scan;
	char	   *word;

	hash_seq_init(&scan, words);
	while ((word = hash_seq_search(&scan)) != NULL)
		names.names[names.count++] = word;
	return cmig_names_datum(&names);
}

#define NAMED(catalog, prefix) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, x.oid, x." prefix "name FROM " catalog " x" \
	" WHERE x." prefix "name = ANY (($1 || $3)::name[]) AND x." prefix "namespace = ANY ($4)"

/*
 * Returns the OIDs of all objects that choose() can choose, and of others, or NIL if
 * these are many.  An object is changed (2), named (1), or only needed (0); its
 * parts, what depends on it if it is changed, and the tables that inherit from it
 * or have its type if it is not only needed, are like it.  Operators have no words
 * in their names, so all are needed.
 */
static List *
read_concerned(const CmigManaged *managed, const ScriptNames *names)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE named (class, id, name) AS ("
		"SELECT 'pg_class'::regclass::oid, coalesce(i.indrelid, c.oid), c.relname FROM pg_class c"
		" LEFT JOIN pg_index i ON i.indexrelid = c.oid"
		" WHERE c.relname = ANY (($1 || $3)::name[]) AND c.relnamespace = ANY ($4)"
		" UNION ALL SELECT 'pg_class'::regclass::oid, o.conrelid, o.conname FROM pg_constraint o"
		" WHERE o.conname = ANY (($1 || $3)::name[]) AND o.connamespace = ANY ($4)"
		" AND o.conrelid <> 0"
		NAMED("pg_proc", "pro") NAMED("pg_type",
									  "typ") NAMED("pg_opclass", "opc") NAMED("pg_opfamily", "opf")
		NAMED("pg_collation", "coll") NAMED("pg_conversion",
											"con") NAMED("pg_ts_config",
														 "cfg") NAMED("pg_ts_dict", "dict")
		NAMED("pg_ts_parser", "prs") NAMED("pg_ts_template", "tmpl")
		" UNION ALL SELECT 'pg_operator'::regclass::oid, x.oid, NULL FROM pg_operator x"
		" WHERE x.oprnamespace = ANY ($4)),"
		" found (class, id, how) AS ("
		"SELECT class, id, CASE WHEN name = ANY ($2) THEN 2 WHEN name = ANY ($1) THEN 1 ELSE 0 END"
		" FROM named"
		" UNION SELECT x.class, x.id, x.how FROM found f CROSS JOIN LATERAL ("
		/* the foreign keys of tables that are only needed are left out */
		"SELECT d.refclassid, d.refobjid, CASE WHEN d.deptype IN ('a', 'i') THEN least(f.how, 1)"
		" ELSE 0 END"
		"  FROM pg_depend d WHERE d.classid = f.class AND d.objid = f.id AND (f.how > 0"
		" OR d.deptype <> 'n' OR f.class <> 'pg_constraint'::regclass"
		"   OR NOT EXISTS (SELECT FROM pg_constraint o WHERE o.oid = f.id AND o.contype = 'f'))"
		" UNION ALL SELECT d.classid, d.objid, f.how FROM pg_depend d WHERE d.refclassid = f.class"
		" AND d.refobjid = f.id"
		/* what is only needed leaves out its heirs */
		"  AND CASE WHEN f.how = 2 OR (f.how = 1 AND d.classid = 'pg_class'::regclass"
		" AND d.objsubid = 0) THEN true"
		"   ELSE d.deptype IN ('a', 'i', 'P', 'S') AND NOT EXISTS (SELECT FROM pg_inherits i"
		" WHERE i.inhrelid = d.objid AND i.inhparent = f.id) END"
		" ) x (class, id, how) WHERE x.id >= 16384"
		" AND x.class NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass))"
		" SELECT DISTINCT f.id, concat_ws(' ', p.prosrc, array_to_string(p.proargnames, ' ')), f.class FROM (SELECT * FROM found LIMIT 3 * $5) f"
		" LEFT JOIN pg_proc p ON f.class = 'pg_proc'::regclass AND p.oid = f.id"
		" AND p.pronamespace = ANY ($4)",
		.argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, OIDARRAYOID, INT4OID}
	};
	Datum		values[] = {words_datum(names->all), words_datum(names->changed), 0,
	cmig_managed_oids(managed), Int32GetDatum(CMIG_IMAGE_PART)};

	for (;;)
	{
		/* a list that is not empty */
		List	   *found = list_make1_oid(InvalidOid);
		long		count = hash_get_num_entries(names->bodies);

		values[2] = words_datum(names->bodies);
		foreach_ptr(CmigValue, row, cmig_query_texts(&query, values, NULL))
		{
			found = lappend_oid(found, atooid(row[0]));
			words_add(names->bodies, row[1]);
		}
		if (list_length(found) > CMIG_IMAGE_PART ||
			hash_search(names->all, QUOTED_QUOTE, HASH_FIND, NULL) != NULL ||
			hash_search(names->bodies, QUOTED_QUOTE, HASH_FIND, NULL) != NULL)
			return NIL;
		if (hash_get_num_entries(names->bodies) == count)
			return found;
	}
}

/* ----------------------------------------------------------------
 * Creates the copies.
 * ----------------------------------------------------------------
 */

struct CmigCopies
{
	CmigDiffOptions options;
	CmigImage  *live;
	bool		whole;			/* all objects of the caller's schemas */
	char		distrusts;		/* as in CmigOutsideWatch */
	/* lists of CmigDiffLine, which create the objects */
	List	   *first;			/* schemas and extensions */
	List	   *lines;
	List	   *last;			/* default privileges */
	List	   *differences;	/* list of Difference */
};

/* Why an object is not the same as its copy. */
typedef struct Difference
{
	const CmigObject *root;
	char	   *reason;
	bool		foreign;		/* is it not copied, because of its owner? */
	bool		denied;			/* or because the role lacks a privilege? */
} Difference;

/* Returns that of the object's root, or NULL. */
static Difference *
find_difference(const CmigCopies *copies, const CmigObject *object)
{
	const CmigObject *root = cmig_object_root(unconstify(CmigObject *, object));

	foreach_ptr(Difference, difference, copies->differences)
	{
		if (difference->root->kind == root->kind &&
			strcmp(difference->root->identity, root->identity) == 0)
			return difference;
	}
	return NULL;
}

const char *
cmig_copies_difference(const CmigCopies *copies, const CmigObject *object)
{
	const Difference *difference = find_difference(copies, object);

	return difference ? difference->reason : NULL;
}

/* Add a reason, unless the object has one. */
static void
note_difference(CmigCopies *copies, const CmigObject *root, char *reason, bool foreign)
{
	Difference *difference;

	if (find_difference(copies, root) != NULL)
		return;
	difference = palloc0(sizeof(Difference));
	difference->root = root;
	difference->reason = reason;
	difference->foreign = foreign;
	copies->differences = lappend(copies->differences, difference);
}

static void
add_difference(CmigCopies *copies, const CmigDiffLine *line, const char *reason, bool foreign)
{
	const CmigObject *root = line->subject ?
	cmig_object_root(unconstify(CmigObject *, line->subject)) : NULL;

	/* what another schema contains is not copied */
	if (root != NULL && cmig_image_counterpart(copies->live, root) != NULL)
		note_difference(copies, root, psprintf("%s %s: %s", line->kind, line->object, reason),
						foreign);
}

/*
 * Is it code of a role that the copy cannot belong to, so that it would run with
 * the caller's privileges?
 */
static bool
is_untrusted(const CmigObject *object, Oid role)
{
	Oid			owner = object->owner ? get_role_oid(object->owner, true) : InvalidOid;

	if (object->kind != &cmig_kind_function && object->kind != &cmig_kind_aggregate &&
		object->kind != &cmig_kind_materialized_view)
		return false;
	return OidIsValid(owner) && !superuser_arg(owner) && !cmig_can_set_role_compat(role, owner);
}

/*
 * While the copies are created, their owners need CREATE on the schemas.  Returns
 * statements, separated by semicolons, and sets *revoke.
 */
static char *
grant_create(const CmigCopies *copies, Oid role, char **revoke)
{
	StringInfoData grants,
				revokes;
	List	   *done = NIL;

	initStringInfo(&grants);
	initStringInfo(&revokes);
	for (int i = 0; i < copies->live->count && !superuser_arg(role); i++)
	{
		const CmigObject *object = copies->live->objects[i];
		Oid			schema = object->owner ?
		cmig_shadow_rows_schema(object->address.catalog, object->address.object) : InvalidOid;
		Oid			owner = object->owner ? get_role_oid(object->owner, true) : InvalidOid;
		const char *privilege;

		if (!OidIsValid(schema) || !OidIsValid(owner) || owner == role ||
			cmig_may_compat(NamespaceRelationId, schema, owner, ACL_CREATE))
			continue;
		privilege = psprintf("%u %u", schema, owner);
		if (cmig_text_list_has(done, privilege))
			continue;
		done = lappend(done, (void *) privilege);
		privilege = psprintf("CREATE ON SCHEMA %s", quote_identifier(cmig_query_schema_name(schema)));
		appendStringInfo(&grants, "GRANT %s TO %s;\n", privilege, quote_identifier(object->owner));
		appendStringInfo(&revokes, "REVOKE %s FROM %s;\n", privilege,
						 quote_identifier(object->owner));
	}
	*revoke = revokes.data;
	return grants.data;
}

static CmigDiffLine *
make_line(const char *sql)
{
	CmigDiffLine *line = palloc0(sizeof(CmigDiffLine));

	line->upgrade = sql;
	return line;
}

/* Remove event triggers and publications: copies would fire, or forbid to replace what is published. */
static void
remove_global(CmigImage *image)
{
	bool	   *out = palloc(Max(image->count, 1));

	for (int i = 0; i < image->count; i++)
	{
		const CmigKind *kind = cmig_object_root(image->objects[i])->kind;

		out[i] = kind == &cmig_kind_event_trigger || kind == &cmig_kind_publication;
	}
	(void) cmig_image_remove(image, out);
}

/* What belongs to a role that its copy cannot belong to becomes the caller's. */
static void
take_over(CmigCopies *copies, Oid role)
{
	for (int i = 0; i < copies->live->count; i++)
	{
		CmigObject *object = copies->live->objects[i];
		Oid			owner = object->owner ? get_role_oid(object->owner, true) : InvalidOid;

		if (OidIsValid(owner) && !cmig_can_set_role_compat(role, owner))
			object->owner = unconstify(char *, copies->options.role);
	}
}

/* Remove what is not chosen, and the schemas of other roles, with what needs them. */
static void
remove_outside(CmigCopies *copies, const CmigManaged *managed, const bool *chosen)
{
	CmigImage  *image = copies->live;
	bool	   *out = palloc0(Max(image->count, 1));
	bool		found = true;

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		for (int j = 0; j < managed->count && object->kind == &cmig_kind_schema; j++)
			out[i] |= !managed->schemas[j].owned &&
				strcmp(quote_identifier(managed->schemas[j].name), object->identity) == 0;
		out[i] |= object->kind == &cmig_kind_distribution ||
			object->kind == &cmig_kind_default_privileges;
	}
	while (found)
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];
			bool		lost = object->partial ||
			(object->parent != NULL && out[object->parent->index]);

			if (object->partial && chosen[i])
				note_difference(copies, object,
								psprintf("%s %s: it cannot be copied", object->kind->name,
										 object->identity), false);
			for (int j = 0; j < object->ndepends; j++)
			{
				const CmigObject *on = object->depends[j];

				lost |= out[on->index];
				if (chosen[i] && on->kind == &cmig_kind_schema && out[on->index])
					note_difference(copies, on,
									psprintf("schema %s: it belongs to another role",
											 on->identity), true);
			}
			if (lost && !out[i])
				found = out[i] = true;
		}
	}
	for (int i = 0; i < image->count; i++)
		out[i] |= !chosen[i];
	(void) cmig_image_remove(image, out);
}

/*
 * Read the live objects that scripts and queries can concern, or all.  Returns which
 * of them are to be copied.
 */
static bool *
read_live(CmigCopies *copies, const CmigManaged *managed, const List *scripts, const List *queries,
		  CmigImage **live)
{
	ScriptNames names = read_names(scripts, queries);
	bool		is_read = live != NULL && *live != NULL;
	List	   *part = is_read || names.everything ||
	cmig_expansion_objects() != NIL ? NIL : read_concerned(managed, &names);
	bool	   *chosen;

	copies->live = is_read ? *live : cmig_image_read_part(managed, part);
	chosen = choose(copies->live, &names);
	for (int i = 0; part != NIL && i < copies->live->count; i++)
	{
		/* does it need something that was not found? */
		if (!chosen[i] || !copies->live->objects[i]->partial)
			continue;
		part = NIL;
		copies->live = cmig_image_read(managed);
		chosen = choose(copies->live, &names);
	}
	if (live != NULL)
		*live = cmig_image_copy(copies->live);
	return chosen;
}

CmigCopies *
cmig_copies_plan(const CmigManaged *managed, bool whole, const List *scripts, const List *queries,
				 CmigImage **live)
{
	CmigCopies *copies = palloc0(sizeof(CmigCopies));
	CmigManaged own =
	{.all = managed->all,.schemas = palloc(sizeof(CmigManagedSchema) * Max(managed->count, 1))};
	CmigImage  *empty = cmig_image_new();
	Oid			role = get_role_oid(cmig_session_role(), false);
	List	   *lines = NIL;
	char	   *revoke;

	for (int i = 0; i < managed->count; i++)
		if (managed->schemas[i].owned)
			own.schemas[own.count++] = managed->schemas[i];
	copies->options.owners = copies->options.privileges = copies->options.unchecked = true;
	copies->options.comments = copies->whole = whole;
	copies->options.role = cmig_session_role();
	copies->distrusts = 'o';
	if (whole)
		remove_global(*live = copies->live = cmig_image_read(&own));
	else
	{
		remove_outside(copies, managed, read_live(copies, managed, scripts, queries, live));
		if (cmig_rehearsal_others_own(copies->live))
			copies->distrusts = 'u';
		take_over(copies, role);
	}
	cmig_image_finish(empty);
	cmig_diff_lines(cmig_compare(empty, cmig_image_copy(copies->live), &copies->options), &lines);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		const CmigObject *root = line->subject ?
		cmig_object_root(unconstify(CmigObject *, line->subject)) : NULL;

		if (root != NULL && whole && is_untrusted(root, role))
			add_difference(copies, line, psprintf("role \"%s\" owns it", root->owner), true);
		/* copies have privileges of their own, and get no default ones */
		else if (root != NULL && root->kind == &cmig_kind_default_privileges)
			copies->last = lappend(copies->last, line);
		else if (root != NULL &&
				 (root->kind == &cmig_kind_schema || root->kind == &cmig_kind_extension))
			copies->first = lappend(copies->first, line);
		else if (line->upgrade != NULL)
			copies->lines = lappend(copies->lines, line);
		else
			add_difference(copies, line, line->hazard, false);
	}
	copies->first = lappend(copies->first, make_line(grant_create(copies, role, &revoke)));
	copies->last = lcons(make_line(revoke), copies->last);
	return copies;
}

void
cmig_copies_make(CmigCopies *copies, CmigTargetState *state, const char *path)
{
	List	   *failures;

	state->distrusts = copies->distrusts;
	state->strict = copies->whole || copies->distrusts == 'u';
	failures = cmig_rehearsal_run(state, copies->first, true, false, path);
	failures = list_concat(failures, cmig_rehearsal_run(state, copies->lines, true, false, path));
	failures = list_concat(failures, cmig_rehearsal_run(state, copies->last, true, false, path));
	if (copies->whole)
		state->distrusts = 0;
	state->strict = false;
	state->owners = !copies->whole;
	foreach_ptr(const CmigDiffFailure, failure, failures)
	{
		Difference *difference;

		add_difference(copies, failure->line, failure->error->message, false);
		difference = failure->line->subject ?
			find_difference(copies, failure->line->subject) : NULL;
		if (difference != NULL)
			difference->denied |= failure->error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
	}
}

/*
 * The object needs this one, whose schema is not copied.  Can it be copied all the same,
 * because it brings no code of another role with it?
 */
static bool
is_harmless(const CmigObject *object, const CmigObject *root, Oid role)
{
	Oid			owner = root->owner ? get_role_oid(root->owner, true) : InvalidOid;

	return (object->kind == &cmig_kind_foreign_key && cmig_table_is(root)) ||
		(object->kind == &cmig_kind_default && root->kind == &cmig_kind_sequence) ||
		root->kind == &cmig_kind_enum ||
		(OidIsValid(owner) && (superuser_arg(owner) || cmig_can_set_role_compat(role, owner)));
}

/* Remove the schemas that are not copied, and note which objects need code in them. */
static void
remove_uncopied(CmigCopies *copies, CmigImage *image)
{
	bool	   *out = palloc(Max(image->count, 1));
	Oid			role = get_role_oid(cmig_session_role(), false);

	for (int i = 0; i < image->count; i++)
		out[i] = cmig_image_counterpart(copies->live, cmig_object_root(image->objects[i])) == NULL;
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		const CmigObject *live = out[i] ? NULL :
		cmig_image_counterpart(copies->live, cmig_object_root(image->objects[i]));

		for (int j = 0; live != NULL && j < object->ndepends; j++)
		{
			const CmigObject *root = cmig_object_root(object->depends[j]);

			if (out[root->index] && !is_harmless(object, root, role))
				note_difference(copies, live,
								psprintf("%s %s: it needs %s %s%s", object->kind->name,
										 object->identity, root->kind->name, root->identity,
										 root->owner ? psprintf(" of role \"%s\"", root->owner) : ""),
								true);
		}
	}
	(void) cmig_image_remove(image, out);
}

void
cmig_copies_check(CmigCopies *copies, const CmigImage *image)
{
	CmigImage  *copied = cmig_image_copy(image);
	List	   *lines = NIL;

	remove_uncopied(copies, copied);
	cmig_diff_lines(cmig_compare(copied, cmig_image_copy(copies->live), &copies->options), &lines);
	foreach_ptr(const CmigDiffLine, line, lines)
		add_difference(copies, line,
					   line->change ? line->change : line->upgrade == NULL ? line->hazard :
					   "it differs", false);
}

List *
cmig_copies_reasons(const CmigCopies *copies, bool causes)
{
	List	   *reasons = NIL;
	List	   *foreign = NIL;

	foreach_ptr(const Difference, difference, copies->differences)
	{
		reasons = lappend(reasons, difference->reason);
		if (difference->foreign)
			foreign = lappend(foreign, difference->reason);
	}
	return causes && foreign != NIL ? foreign : reasons;
}

char *
cmig_copies_grants(const CmigCopies *copies)
{
	static CmigQuery query = {
		.sql = "WITH own (class, id) AS (SELECT split_part(a, ' ', 1)::oid, split_part(a, ' ', 2)::oid FROM unnest($1) a),"
		/* such as the defaults of columns, and the rules of views */
		" parts (class, id) AS (TABLE own UNION SELECT d.classid, d.objid FROM own"
		"  JOIN pg_depend d ON d.refclassid = own.class AND d.refobjid = own.id WHERE d.deptype IN ('a', 'i')),"
		" used (class, id) AS (SELECT DISTINCT d.refclassid, d.refobjid FROM parts p"
		"  JOIN pg_depend d ON d.classid = p.class AND d.objid = p.id WHERE d.refobjid >= 16384)"
		" SELECT string_agg(DISTINCT g.sql, '; ') FROM ("
		" SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $2) FROM used u,"
		"  pg_identify_object(u.class, u.id, 0) o JOIN pg_namespace n ON quote_ident(n.nspname) = o.schema"
		"  WHERE NOT has_schema_privilege($2::name, n.oid, 'USAGE')"
		" UNION ALL SELECT format('GRANT USAGE ON TYPE %s TO %I', coalesce(e.oid, t.oid)::regtype, $2)"
		"  FROM used u JOIN pg_type t ON u.class = 'pg_type'::regclass AND t.oid = u.id"
		"  LEFT JOIN pg_type e ON e.typarray = t.oid WHERE NOT has_type_privilege($2::name, t.oid, 'USAGE')"
		" UNION ALL SELECT format('GRANT REFERENCES ON TABLE %s TO %I', k.confrelid::regclass, $2)"
		"  FROM parts p JOIN pg_constraint k ON p.class = 'pg_constraint'::regclass AND k.oid = p.id"
		"  WHERE k.contype = 'f' AND NOT has_table_privilege($2::name, k.confrelid, 'REFERENCES')"
		") g (sql)",
		.argtypes = {TEXTARRAYOID, TEXTOID}
	};
	const CmigImage *live = copies->live;
	CmigNames	addresses = {.names = palloc(sizeof(char *) * Max(live->count, 1))};

	for (int i = 0; i < live->count; i++)
	{
		const CmigAddress *address = &live->objects[i]->address;
		const Difference *difference = find_difference(copies, live->objects[i]);

		if (difference != NULL && difference->denied)
			addresses.names[addresses.count++] = psprintf("%u %u", address->catalog,
														  address->object);
	}
	if (addresses.count == 0)
		return NULL;
	return cmig_query_value(&query, &addresses, cmig_session_role());
}

const CmigImage *
cmig_copies_image(const CmigCopies *copies)
{
	return copies->live;
}

int
cmig_copies_locks(const CmigCopies *copies)
{
	int			locks = 0;

	for (int i = 0; i < copies->live->count; i++)
	{
		const CmigKind *kind = copies->live->objects[i]->kind;

		/* a table also has a type, a TOAST table, and the index of that */
		locks += kind == &cmig_kind_table ? 4 : (kind->flags & CMIG_KIND_RELATION) != 0 ? 2 :
			kind == &cmig_kind_index || kind == &cmig_kind_constraint;
	}
	return locks;
}
