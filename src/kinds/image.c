/*
 * image.c
 *	  Images: all objects of a set of schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/image.h"

#include "lib/qunique.h"
#include "utils/memutils.h"

/* A hash table entry that maps an address to an object. */
typedef struct AddressEntry
{
	CmigAddress address;
	CmigObject *object;
} AddressEntry;

CmigImage *
cmig_image_new(void)
{
	CmigImage  *image = palloc0(sizeof(CmigImage));
	HASHCTL		control = {
		.keysize = sizeof(CmigAddress),.entrysize = sizeof(AddressEntry),
		.hcxt = CurrentMemoryContext
	};

	image->addresses = hash_create("pg_cmig image", 1024, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return image;
}

void
cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object)
{
	AddressEntry *entry;
	bool		found;

	entry = hash_search(image->addresses, &address, HASH_ENTER, &found);
	if (!found)
		entry->object = object;
}

void
cmig_image_add(CmigImage *image, CmigObject *object)
{
	if (image->count == image->allocated)
	{
		image->allocated = Max(256, image->allocated * 2);
		image->objects = image->objects == NULL ?
			palloc(sizeof(CmigObject *) * image->allocated) :
			repalloc_huge(image->objects, sizeof(CmigObject *) * image->allocated);
	}
	image->objects[image->count++] = object;
	if (OidIsValid(object->address.catalog))
		cmig_image_alias(image, object->address, object);
	if (object->parent != NULL)
	{
		if (object->parent->child == NULL)
			object->parent->child = object;
		else
			object->parent->last_child->sibling = object;
		object->parent->last_child = object;
	}
}

CmigObject *
cmig_image_find_exactly(const CmigImage *image, CmigAddress address)
{
	AddressEntry *entry = hash_search(image->addresses, &address, HASH_FIND, NULL);

	return entry == NULL ? NULL : entry->object;
}

CmigObject *
cmig_image_find(const CmigImage *image, CmigAddress address)
{
	CmigObject *object = cmig_image_find_exactly(image, address);

	if (object == NULL && address.sub != 0)
	{
		address.sub = 0;
		object = cmig_image_find_exactly(image, address);
	}
	return object;
}

void
cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on)
{
	if (object == on || object == NULL || on == NULL || object->parent == on)
		return;
	if (image->nedges == image->edges_allocated)
	{
		image->edges_allocated = Max(256, image->edges_allocated * 2);
		image->edges = image->edges == NULL ?
			palloc(sizeof(CmigImageEdge) * image->edges_allocated) :
			repalloc_huge(image->edges, sizeof(CmigImageEdge) * (Size) image->edges_allocated);
	}
	image->edges[image->nedges++] = (CmigImageEdge)
	{
		object, on
	};
	object->ndepends++;
}

void
cmig_object_follow(CmigObject *object, CmigObject *on)
{
	if (on == object)
		return;
	for (int i = 0; i < object->nsoft; i++)
		if (object->soft[i] == on)
			return;
	object->soft = object->soft == NULL ? palloc(sizeof(CmigObject *)) :
		repalloc(object->soft, sizeof(CmigObject *) * (object->nsoft + 1));
	object->soft[object->nsoft++] = on;
}

int
cmig_object_compare(const CmigObject *a, const CmigObject *b)
{
	if (a->kind != b->kind)
		return a->kind->place < b->kind->place ? -1 : 1;
	return strcmp(a->identity, b->identity);
}

static int
compare_pointers(const void *a, const void *b)
{
	return cmig_object_compare(*(CmigObject *const *) a, *(CmigObject *const *) b);
}

void
cmig_image_sort(CmigImage *image)
{
	if (image->count > 1)
		qsort(image->objects, image->count, sizeof(CmigObject *), compare_pointers);
	for (int i = 0; i < image->count; i++)
		image->objects[i]->index = i;
}

/*
 * Set the "depends" arrays of all objects.  They are parts of a single array.
 */
static void
distribute_edges(CmigImage *image)
{
	CmigObject **depends = palloc_extended(sizeof(CmigObject *) * Max(image->nedges, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		object->depends = object->ndepends > 0 ? depends : NULL;
		depends += object->ndepends;
		object->ndepends = 0;
	}
	for (int i = 0; i < image->nedges; i++)
	{
		CmigObject *object = image->edges[i].object;

		object->depends[object->ndepends++] = image->edges[i].on;
	}
	if (image->edges != NULL)
		pfree(image->edges);
	image->edges = NULL;
	image->nedges = image->edges_allocated = 0;
}

void
cmig_image_finish(CmigImage *image)
{
	cmig_image_sort(image);
	distribute_edges(image);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->ndepends < 2)
			continue;
		qsort(object->depends, object->ndepends, sizeof(CmigObject *), compare_pointers);
		object->ndepends = qunique(object->depends, object->ndepends,
								   sizeof(CmigObject *), compare_pointers);
	}
}

CmigObject *
cmig_image_lookup(const CmigImage *image, const CmigKind *kind, const char *identity)
{
	int			low = 0,
				high = image->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const CmigObject *object = image->objects[middle];
		int			order = object->kind == kind ? strcmp(object->identity, identity) :
		object->kind->place < kind->place ? -1 : 1;

		if (order == 0)
			return image->objects[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
