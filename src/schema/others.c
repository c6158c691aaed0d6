/*
 * others.c
 *	  Handles other roles' objects, which the caller is not allowed to alter.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/listing.h"
#include "kinds/kinds.h"
#include "schema/others.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"

/*
 * Ownership
 */

/* The owner for which acts_for() was last called, and the result. */
typedef struct OwnerCheck
{
	const char *owner;
	bool		has;
} OwnerCheck;

/*
 * Returns true if the caller can act as this owner, or if there is no such
 * role.
 */
static bool
acts_for(OwnerCheck *last, const char *owner)
{
	Oid			role;

	if (last->owner != NULL && strcmp(last->owner, owner) == 0)
		return last->has;
	role = get_role_oid(owner, true);
	last->owner = owner;
	last->has = !OidIsValid(role) || has_privs_of_role(GetUserId(), role);
	return last->has;
}

/* Returns the schema of a live object, or InvalidOid. */
static Oid
schema_of(const CmigObject *object)
{
	ObjectAddress address = {object->address.catalog, object->address.object, 0};

	return is_objectclass_supported(address.classId) ? get_object_namespace(&address) : InvalidOid;
}

/*
 * Does the object's owner lack the privilege to create objects in its schema?
 */
static bool
owner_may_not_create(const CmigObject *object)
{
	Oid			role = get_role_oid(object->owner, true);
	Oid			schema = schema_of(object);

	return OidIsValid(role) && OidIsValid(schema) && !cmig_may_create_compat(schema, role);
}

/* Can the caller drop the object as the owner of its schema? */
static bool
owns_schema(const CmigObject *object)
{
	HeapTuple	tuple;
	Oid			schema = schema_of(object);
	bool		owns;

	if (!OidIsValid(schema))
		return false;
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		return false;
	owns = has_privs_of_role(GetUserId(), ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner);
	ReleaseSysCache(tuple);
	return owns;
}

void
cmig_others_mark(CmigImage *image)
{
	OwnerCheck	last = {0};

	if (superuser())
		return;
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->owner != NULL && !acts_for(&last, object->owner))
		{
			object->foreign = true;
			object->may_drop = owns_schema(object);
		}
		if (object->kind == &cmig_kind_materialized_view && object->owner != NULL)
			object->unownable = owner_may_not_create(object);
	}
}

/*
 * Notes
 */

/* Is the note about this object? */
static bool
is_about(const CmigTargetNote *note, const CmigObject *object)
{
	size_t		length = strlen(note->object);

	return strcmp(note->kind, object->kind->name) == 0 &&
		(strcmp(note->object, object->name) == 0 ||
		 (strncmp(note->object, object->identity, length) == 0 &&
		  (object->identity[length] == '\0' || object->identity[length] == ' ')));
}

/* Returns the live object of another role that the note is about, or NULL. */
static const CmigObject *
find_foreign(const CmigImage *live, const CmigTargetNote *note)
{
	for (int i = 0; i < live->count; i++)
		if (live->objects[i]->foreign && is_about(note, live->objects[i]))
			return live->objects[i];
	return NULL;
}

/*
 * Returns the only object of this kind with this unqualified name, or NULL
 * if there is none or more than one.
 */
static CmigObject *
find_unqualified(const CmigImage *image, const CmigKind *kind, const char *name)
{
	CmigObject *found = NULL;

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind != kind || strcmp(cmig_quote(object->name), name) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = object;
	}
	return found;
}

/* Returns the image's object named "table public.a" or "table a", or NULL. */
static CmigObject *
find_named(const CmigImage *image, const char *name)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	for (int i = 0; i < count; i++)
	{
		size_t		length = strlen(kinds[i]->name);
		CmigObject *object;

		if (strncmp(name, kinds[i]->name, length) != 0 || name[length] != ' ')
			continue;
		object = cmig_image_lookup(image, kinds[i], name + length + 1);
		if (object == NULL)
			object = find_unqualified(image, kinds[i], name + length + 1);
		if (object != NULL)
			return object;
	}
	return NULL;
}

/*
 * Handle a note that says that the caller cannot make a role the owner of an
 * object.  Returns true if this role already owns the live object, so that
 * there is no difference.
 */
static bool
settle_owner(const CmigImage *live, const CmigImage *target, const CmigTargetNote *note)
{
	const CmigObject *from = note->role ? find_named(live, note->object) : NULL;
	CmigObject *to;

	if (from == NULL || from->owner == NULL || strcmp(from->owner, note->role) != 0)
		return false;
	to = find_named(target, note->object);
	if (to != NULL)
		to->owner = from->owner;
	return true;
}

List *
cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
				   const CmigDiffOptions *options)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, notes)
	{
		CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, "owner") == 0 && (!options->owners || settle_owner(live, target, note)))
			continue;
		if (strcmp(note->kind, "privilege") == 0 && !options->privileges)
			continue;
		if (strcmp(note->kind, "comment") == 0 && !options->comments)
			continue;
		if (find_foreign(live, note) == NULL)
			kept = lappend(kept, note);
	}
	return kept;
}

void
cmig_others_tell(const CmigDifference *difference)
{
	CmigListing list;

	cmig_listing_init(&list, CMIG_LISTING_LINES);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (change->to != NULL || !change->from->foreign || !(change->from->kind->flags & CMIG_KIND_GLOBAL))
			continue;
		cmig_listing_add_format(&list, "%s %s", change->from->kind->name, change->from->identity);
	}
	if (list.count > 0)
		ereport(NOTICE,
				(errmsg("objects that belong to other roles are left unchanged"),
				 errdetail_internal("%s", cmig_listing_text(&list))));
}
