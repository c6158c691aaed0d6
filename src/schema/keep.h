/*
 * keep.h
 *	  Keeps objects that the target lacks.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KEEP_H
#define CMIG_KEEP_H

#include "postgres.h"
#include "schema/image.h"

/* May an object that the other image lacks be kept? */
typedef bool (*CmigKeepCandidate) (const CmigObject *object, void *arg);

/*
 * Add the candidates in "from" to "to", unless a parent or an object that they
 * depend on is missing there.
 */
extern void cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg);

/*
 * For a target that contains only models: add the objects that ORMs cannot
 * define and the indexes that cmig.enable_rls created, as in cmig_keep().
 * They are then re-created if an object that they depend on changes.
 */
extern void cmig_keep_unknown(const CmigImage *from, CmigImage *to);

/*
 * If an object that ORMs cannot define was not added although its parent, if
 * it has one, remains, returns the missing object that it depends on.
 * Otherwise returns NULL.
 */
extern const CmigObject *cmig_keep_missing(const CmigObject *object, const CmigImage *to);

#endif							/* CMIG_KEEP_H */
