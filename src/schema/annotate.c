/*
 * annotate.c
 *	  Owners, comments, and privileges of objects of all kinds.
 *
 * Privileges are stored as differences from PostgreSQL's built-in defaults,
 * so an object with only the default privileges has an empty list.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/internal.h"

/*
 * Returns the owner of the object, or of its parent if the object itself has
 * no owner.
 */
static const char *
owner_of(const CmigObject *object)
{
	while (object->owner == NULL && object->parent != NULL)
		object = object->parent;
	return object->owner;
}

/*
 * Comments
 */

/* Build COMMENT ON.  If "comment" is NULL, the statement removes the comment. */
static char *
comment_sql(const char *reference, const char *comment)
{
	return psprintf("COMMENT ON %s IS %s", reference, comment ? cmig_literal(comment) : "NULL");
}

/* The SQL name of a constraint's index or an identity column's sequence. */
static char *
index_reference(const CmigObject *object)
{
	return psprintf("%s %s", object->kind == &cmig_kind_column ? "SEQUENCE" : "INDEX",
					cmig_object_index(object));
}

/*
 * Append the COMMENT ON statements for the comments that differ between "from"
 * and "to".  "from" may be NULL.
 */
static List *
alter_comments(List *ddl, const CmigObject *from, const CmigObject *to)
{
	const char *old = from ? from->comment : NULL;
	const char *old_index = from ? from->index_comment : NULL;
	const char *reference;

	if (!cmig_text_same(old, to->comment))
	{
		reference = cmig_kind_reference(to);
		ddl = cmig_ddl_append(ddl, comment_sql(reference, to->comment),
							  comment_sql(reference, old));
	}
	if (!cmig_text_same(old_index, to->index_comment) && cmig_object_index(to) != NULL)
	{
		reference = index_reference(to);
		ddl = cmig_ddl_append(ddl, comment_sql(reference, to->index_comment),
							  comment_sql(reference, old_index));
	}
	return ddl;
}

void
cmig_annotate_keep(const CmigObject *from, CmigObject *to, const CmigDiffOptions *options)
{
	if (!options->owners)
		to->owner = from->owner;
	if (!options->privileges)
	{
		to->grants = from->grants;
		to->sequence_grants = from->sequence_grants;
	}
	if (!options->comments)
	{
		to->comment = from->comment;
		to->index_comment = from->index_comment;
	}
}

/*
 * Owners
 */

static char *
owner_sql(const CmigObject *object, const char *owner)
{
	return psprintf("ALTER %s OWNER TO %s", cmig_kind_reference(object), cmig_quote(owner));
}

static bool
has_owner(const CmigObject *object)
{
	return object->owner != NULL && !(object->kind->flags & CMIG_KIND_NO_OWNER_SQL);
}

/*
 * Privileges
 */

/* Compare two grants by grantee, privilege, and grantor. */
static int
compare_grants(const CmigGrant *a, const CmigGrant *b)
{
	int			order;

	if (a->grantee == NULL || b->grantee == NULL)
		order = (a->grantee != NULL) - (b->grantee != NULL);
	else
		order = strcmp(a->grantee, b->grantee);
	if (order == 0)
		order = strcmp(a->privilege, b->privilege);
	if (order == 0 && (a->grantor != NULL || b->grantor != NULL))
		order = a->grantor == NULL ? -1 : b->grantor == NULL ? 1 : strcmp(a->grantor, b->grantor);
	return order;
}

/* list_sort comparator that puts revocations before grants. */
static int
compare_cells(const ListCell *a, const ListCell *b)
{
	const CmigGrant *left = lfirst(a),
			   *right = lfirst(b);

	return left->granted != right->granted ? left->granted - right->granted :
		compare_grants(left, right);
}

/*
 * Returns the list's entry with the same grantee, privilege, and grantor as
 * "wanted", or NULL if there is none.
 */
static const CmigGrant *
find_grant(const List *grants, const CmigGrant *wanted)
{
	foreach_ptr(const CmigGrant, grant, grants)
	{
		if (compare_grants(grant, wanted) == 0)
			return grant;
	}
	return NULL;
}

/* The ways in which a statement can change a privilege. */
typedef enum GrantVerb
{
	GRANT,
	GRANT_WITH_OPTION,
	REVOKE,
	REVOKE_OPTION
} GrantVerb;

/*
 * Build the GRANT or REVOKE statement for a list of privileges, given as SQL.
 * The grantee and the grantor are those of "grant".
 */
static char *
grant_sql(const CmigObject *object, const CmigGrant *grant, GrantVerb verb, const char *privileges)
{
	StringInfoData sql;
	bool		grants = verb == GRANT || verb == GRANT_WITH_OPTION;
	const char *word;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   grants ? "GRANT " : verb == REVOKE ? "REVOKE " :
						   "REVOKE GRANT OPTION FOR ");

	/*
	 * append a privilege and its object as they appear in GRANT, such as
	 * "SELECT (a) ON TABLE t" or "EXECUTE ON FUNCTION f()"
	 */
	word = object->kind->grant_word;
	if (object->address.sub > 0 && object->parent != NULL)
		appendStringInfo(&sql, "%s (%s) ON TABLE %s", privileges, cmig_quote(object->name),
						 object->parent->identity);
	else if (word != NULL)
		appendStringInfo(&sql, "%s ON %s %s", privileges, word, object->identity);
	else
		appendStringInfo(&sql, "%s ON %s", privileges, cmig_kind_reference(object));
	appendStringInfo(&sql, " %s %s", grants ? "TO" : "FROM",
					 grant->grantee ? grant->grantee :
					 owner_of(object) ? cmig_quote(owner_of(object)) : "CURRENT_USER");
	if (verb == GRANT_WITH_OPTION)
		appendStringInfoString(&sql, " WITH GRANT OPTION");

	/* use SET ROLE, because GRANTED BY accepts only the current role */
	if (grant->grantor != NULL)
		return psprintf("SET ROLE %s;\n%s;\nRESET ROLE", grant->grantor, sql.data);
	return sql.data;
}

/*
 * Returns the kind of statement that changes a privilege from "from" to "to".
 * If "from" or "to" is NULL, it stands for the state of the privilege on a new
 * object.
 */
static GrantVerb
verb_between(const CmigGrant *from, const CmigGrant *to)
{
	bool		had = from ? from->granted : !to->granted;
	bool		has = to ? to->granted : !from->granted;

	if (had && has)
		return to && to->grantable ? GRANT_WITH_OPTION : REVOKE_OPTION;
	if (!has)
		return REVOKE;
	return to && to->grantable ? GRANT_WITH_OPTION : GRANT;
}

/* A statement that changes a privilege, and the one that reverts it. */
typedef struct GrantStep
{
	const CmigGrant *grant;
	GrantVerb	verb;
	GrantVerb	undo;
} GrantStep;

static GrantStep
grant_step(const CmigGrant *grant, const CmigGrant *from, const CmigGrant *to)
{
	return (GrantStep)
	{
		grant, verb_between(from, to), verb_between(to, from)
	};
}

/*
 * Append the statements that change the object's privileges.  Changes that use
 * the same kind of statement for the same role are combined into one
 * statement.
 */
static List *
alter_grants(List *ddl, const CmigObject *object, const List *from, const List *to)
{
	GrantStep  *steps = palloc(sizeof(GrantStep) * (list_length(from) + list_length(to) + 1));
	const bool	column = object->address.sub > 0 && object->parent != NULL;
	int			count = 0;

	/*
	 * first revoke the privileges that other roles have granted, and then the
	 * grant options of these roles
	 */
	for (int pass = 0; pass < 2; pass++)
	{
		foreach_ptr(const CmigGrant, grant, from)
		{
			if ((grant->grantor != NULL) == (pass == 0) && find_grant(to, grant) == NULL)
				steps[count++] = grant_step(grant, grant, NULL);
		}
	}
	foreach_ptr(const CmigGrant, grant, to)
	{
		const CmigGrant *old = find_grant(from, grant);

		if (old == NULL || old->granted != grant->granted || old->grantable != grant->grantable)
			steps[count++] = grant_step(grant, old, grant);
	}
	for (int i = 0; i < count;)
	{
		const GrantStep *first = &steps[i];
		StringInfoData privileges;

		initStringInfo(&privileges);
		appendStringInfoString(&privileges, first->grant->privilege);
		for (i++; i < count && !column && steps[i].grant->grantor == NULL &&
			 first->grant->grantor == NULL &&
			 cmig_text_same(steps[i].grant->grantee, first->grant->grantee) &&
			 steps[i].verb == first->verb && steps[i].undo == first->undo; i++)
			appendStringInfo(&privileges, ", %s", steps[i].grant->privilege);
		ddl = cmig_ddl_append(ddl, grant_sql(object, first->grant, first->verb, privileges.data),
							  grant_sql(object, first->grant, first->undo, privileges.data));
		((CmigDdl *) llast(ddl))->part = first->verb == GRANT ||
			first->verb == GRANT_WITH_OPTION ? CMIG_PART_GRANT : CMIG_PART_REVOKE;
		((CmigDdl *) llast(ddl))->own = first->grant->grantee == NULL && owner_of(object) == NULL;
	}
	return ddl;
}

/*
 * Returns the schema part of a qualified identity, still quoted, or NULL if
 * there is none.
 */
static char *
schema_of(const CmigObject *object)
{
	bool		quoted = false;

	for (const char *p = object->identity; *p != '\0'; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '.' && !quoted)
			return pnstrdup(object->identity, p - object->identity);
	}
	return NULL;
}

/* Is the privilege granted to the object's owner by name? */
static bool
is_for_owner(const CmigGrant *grant, const char *owner)
{
	return owner != NULL && grant->granted && grant->grantee != NULL &&
		strcmp(grant->grantee, owner) == 0;
}

/*
 * Returns the privileges that a new object owned by the role receives from the
 * role's default privileges, without those granted to the object's owner, who
 * has them as the owner anyway.  Privileges with the grant option stay in the
 * list, because the grant option must be revoked.
 */
static List *
initial_grants_of(const char *role, const CmigObject *object, const CmigDiffOptions *options)
{
	const char *owner = object->owner &&
	(options->owners || object->keeps) ? cmig_quote(object->owner) : NULL;
	const char *schema = schema_of(object);
	const CmigInitialGrants *found = NULL;
	List	   *grants = NIL;

	foreach_ptr(const CmigInitialGrants, initial, object->kind->default_type != '\0' &&
				role != NULL ? options->initial : NIL)
	{
		if (initial->type != object->kind->default_type || strcmp(initial->role, role) != 0)
			continue;
		if (initial->schema == NULL ? found == NULL : cmig_text_same(initial->schema, schema))
			found = initial;
	}
	foreach_ptr(CmigGrant, grant, found ? found->grants : NIL)
	{
		if (!is_for_owner(grant, owner) || grant->grantable)
			grants = lappend(grants, grant);
	}
	return grants;
}

/*
 * Returns the privileges that a new sequence of the column has.  If the column
 * is added to an existing table, the sequence belongs to the table's owner.
 */
static List *
initial_sequence_grants(const CmigObject *sequence, const CmigObject *column,
						const CmigDiffOptions *options)
{
	return initial_grants_of(column->folded ? options->role : owner_of(column), sequence, options);
}

/*
 * Returns an object that stands for an identity column's sequence, so that
 * statements can be generated for it.  Returns NULL for any other column.
 */
static CmigObject *
sequence_of(const CmigObject *column)
{
	const char *name = column->kind == &cmig_kind_column ? cmig_object_index(column) : NULL;
	CmigObject *sequence = name ? cmig_object_new(&cmig_kind_sequence, name, name) : NULL;

	if (sequence == NULL)
		return NULL;
	sequence->owner = unconstify(char *, owner_of(column));
	sequence->grants = list_copy(column->sequence_grants);
	return sequence;
}

/*
 * Append the statements that change the privileges on an identity sequence, or
 * set those on a new one.  "from" may be NULL.
 */
static List *
alter_sequence(List *ddl, const CmigObject *from, const CmigObject *to,
			   const CmigDiffOptions *options)
{
	CmigObject *old = from ? sequence_of(from) : NULL,
			   *new = sequence_of(to);

	if (new == NULL)
		return ddl;
	if (old != NULL)
		return alter_grants(ddl, new, old->grants, new->grants);
	if (options->sorted)
		list_sort(new->grants, compare_cells);
	return alter_grants(ddl, new, initial_sequence_grants(new, to, options), new->grants);
}

List *
cmig_annotate_sequence_gone(const CmigObject *from, const CmigObject *to,
							const CmigDiffOptions *options)
{
	CmigObject *sequence = sequence_of(from);
	List	   *ddl = NIL;

	if (sequence == NULL || sequence_of(to) != NULL)
		return NIL;
	if (from->index_comment != NULL)
		ddl = cmig_ddl_append(ddl, comment_sql(index_reference(from), NULL),
							  comment_sql(index_reference(from), from->index_comment));
	return alter_grants(ddl, sequence, sequence->grants,
						initial_sequence_grants(sequence, from, options));
}

/* All annotations */

/*
 * Append the statements that revoke the privileges that a new object has only
 * because of default privileges, and remove them from the list *initial.
 */
static List *
revoke_initial(List *ddl, const CmigObject *object, List **initial, const List *grants)
{
	List	   *kept = NIL;
	int			before = list_length(ddl);

	foreach_ptr(CmigGrant, grant, *initial)
	{
		if (find_grant(grants, grant) != NULL)
			kept = lappend(kept, grant);
	}
	ddl = alter_grants(ddl, object, *initial, kept);
	*initial = kept;
	for (int i = before; i < list_length(ddl) && !object->keeps; i++)
	{
		CmigDdl    *entry = list_nth(ddl, i);

		if (entry->part == CMIG_PART_REVOKE)
			entry->hazard = psprintf("default privileges revoked: %s %s", object->kind->name,
									 object->identity);
	}
	return ddl;
}

/*
 * Returns the new object, without an owner if it belongs to whoever creates it,
 * or is part of an object that does.
 */
static const CmigObject *
as_created(const CmigObject *object, const CmigDiffOptions *options)
{
	const CmigObject *root = object->folded ? object->parent : object;
	CmigObject *copy;

	if (root->owner == NULL || root->keeps || options->owners)
		return object;
	copy = cmig_object_copy(object);
	copy->owner = NULL;
	if (root != object)
		copy->parent = unconstify(CmigObject *, as_created(root, options));
	return copy;
}

bool
cmig_annotate_sets_owner(const CmigObject *object, const CmigDiffOptions *options)
{
	return has_owner(object) && (options->owners || object->keeps) &&
		(options->all_owners || strcmp(object->owner, options->role) != 0);
}

List *
cmig_annotate_create(const CmigObject *object, const CmigDiffOptions *options)
{
	List	   *ddl = NIL;

	if (cmig_annotate_sets_owner(object, options))
		ddl = cmig_ddl_append(ddl, owner_sql(object, object->owner),
							  owner_sql(object, options->role));
	if (options->privileges || object->keeps)
	{
		const CmigObject *created = as_created(object, options);
		List	   *initial = initial_grants_of(options->role, object, options);
		List	   *grants;

		/*
		 * The privileges that a new object is to have.  If "initial" grants
		 * the owner a privilege with the grant option, the result contains
		 * the privilege without the grant option, so that only the grant
		 * option is revoked.
		 */
		grants = list_copy(object->grants);
		foreach_ptr(const CmigGrant, grant, object->owner &&
					(options->owners || object->keeps) ? initial : NIL)
		{
			CmigGrant  *plain;

			if (!is_for_owner(grant, cmig_quote(object->owner)))
				continue;
			plain = palloc(sizeof(CmigGrant));
			*plain = *grant;
			plain->grantable = false;
			grants = lappend(grants, plain);
		}

		if (options->sorted)
			list_sort(grants, compare_cells);
		ddl = revoke_initial(ddl, created, &initial, grants);
		ddl = alter_grants(ddl, created, initial, grants);
		ddl = alter_sequence(ddl, NULL, created, options);
	}
	if (options->comments || object->keeps)
		ddl = alter_comments(ddl, NULL, object);
	return ddl;
}

/*
 * Remove from *grants the privileges granted to "role", or by it if "by" is
 * true, and return them.
 */
static List *
take_out(List **grants, const char *role, bool by)
{
	const char *name = cmig_quote(role);
	List	   *taken = NIL;
	List	   *left = NIL;

	foreach_ptr(CmigGrant, grant, *grants)
	{
		if (by ? cmig_text_same(grant->grantor, name) : grant->granted &&
			cmig_text_same(grant->grantee, name))
			taken = lappend(taken, grant);
		else
			left = lappend(left, grant);
	}
	*grants = left;
	return taken;
}

/* Returns the grants that have the grant option. */
static List *
grantable(const List *grants)
{
	List	   *result = NIL;

	foreach_ptr(CmigGrant, grant, grants)
	{
		if (grant->grantable)
			result = lappend(result, grant);
	}
	return result;
}

/*
 * The privileges that the owner in one image has received, granted, and
 * received on columns, in the other image.
 */
typedef struct OwnerGrants
{
	const CmigObject *object;
	List	   *received;
	List	   *granted;
	List	   *columns;		/* statements that grant them */
} OwnerGrants;

/*
 * Take the privileges of "role" out of *grants, which are those of the object,
 * and out of its columns that also exist in the table "other".
 */
static OwnerGrants
owner_grants(const CmigObject *object, List **grants, const CmigObject *other, const char *role)
{
	OwnerGrants result = {.object = object,.received = take_out(grants, role, false)};

	result.granted = take_out(grants, role, true);
	for (CmigObject *column = object->child; column != NULL; column = column->sibling)
		if (column->address.sub > 0 && cmig_object_child(other, column->kind, column->name) != NULL)
			result.columns = alter_grants(result.columns, column, NIL,
										  take_out(&column->grants, role, false));
	return result;
}

/*
 * Returns SQL that changes the owner.  When the owner changes, privileges
 * granted to the new owner become the owner's privileges.  Therefore, the new
 * owner's grant options and column privileges are revoked before the owner
 * changes, and the privileges that the new owner has granted to others even
 * earlier.  "had" are the new owner's privileges before the change, and "gets"
 * those of the old owner after it; either may be NULL.
 */
static char *
new_owner_sql(const CmigObject *object, const OwnerGrants *had, const OwnerGrants *gets)
{
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	if (had != NULL)
	{
		ddl = alter_grants(NIL, had->object, NIL, had->granted);
		ddl = list_concat(alter_grants(ddl, had->object, NIL, grantable(had->received)),
						  had->columns);
		foreach_ptr(CmigDdl, entry, ddl)
			appendStringInfo(&sql, "%s;\n", entry->undo);
	}
	appendStringInfoString(&sql, owner_sql(object, object->owner));
	if (gets != NULL)
	{
		ddl = alter_grants(NIL, gets->object, NIL, gets->received);
		ddl = list_concat(alter_grants(ddl, gets->object, NIL, gets->granted), gets->columns);
		foreach_ptr(CmigDdl, each, ddl)
			appendStringInfo(&sql, ";\n%s", each->sql);
	}
	return sql.data;
}

/*
 * Returns the statements that grant column privileges again, each preceded by
 * ";\n".  REVOKE on a table also revokes the privilege on all of its columns.
 * Therefore, if the table privilege is in the list "had" but not in "has", the
 * columns of the table lose the privilege.  Columns that "other" lacks are left
 * out.  So are columns that have the privilege only in this table, unless
 * "all" is true.
 */
static char *
regrant_columns(const CmigObject *table, const CmigObject *other, const List *had, const List *has,
				bool all)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const CmigObject *column = table->child; column != NULL; column = column->sibling)
	{
		const CmigObject *same = column->address.sub > 0 && column->grants != NIL ?
		cmig_object_child(other, column->kind, column->name) : NULL;

		foreach_ptr(const CmigGrant, grant, same ? column->grants : NIL)
		{
			if (find_grant(had, grant) == NULL || find_grant(has, grant) != NULL ||
				(!all && find_grant(same->grants, grant) == NULL))
				continue;
			appendStringInfo(&sql, ";\n%s",
							 grant_sql(column, grant, grant->grantable ? GRANT_WITH_OPTION : GRANT,
									   grant->privilege));
		}
	}
	return sql.data;
}

/*
 * Returns the statements that change the privileges on an object.  If they
 * revoke column privileges, they also grant these privileges again.  The
 * columns' own changes come after these statements in the upgrade, and before
 * them in the downgrade.
 */
static List *
alter_table_grants(const CmigObject *from, const CmigObject *to, const List *old, const List *new,
				   const CmigDiffOptions *options)
{
	List	   *ddl = alter_grants(NIL, options->owners ? to : from, old, new);
	CmigDdl    *entry;

	if (ddl == NIL)
		return NIL;
	entry = llast(ddl);
	entry->sql = psprintf("%s%s", entry->sql, regrant_columns(to, from, old, new, false));
	entry = linitial(ddl);
	entry->undo = psprintf("%s%s", entry->undo, regrant_columns(from, to, new, old, true));
	return ddl;
}

List *
cmig_annotate_alter(const CmigObject *from, const CmigObject *to, const CmigDiffOptions *options)
{
	List	   *ddl = NIL;
	List	   *old = list_copy(from->grants);
	List	   *new = list_copy(to->grants);

	if (has_owner(from) && has_owner(to) && options->owners && !(from->linked && to->linked) &&
		strcmp(from->owner, to->owner) != 0)
	{
		OwnerGrants had = owner_grants(from, &old, to, to->owner);
		OwnerGrants gets = owner_grants(to, &new, from, from->owner);

		ddl = cmig_ddl_append(NIL, new_owner_sql(to, &had, options->privileges ? &gets : NULL),
							  new_owner_sql(from, options->privileges ? &gets : NULL, &had));
	}
	if (options->privileges)
	{
		ddl = list_concat(ddl, alter_table_grants(from, to, old, new, options));
		ddl = alter_sequence(ddl, from, to, options);
	}
	if (options->comments)
		ddl = alter_comments(ddl, from, to);
	return ddl;
}
