/*
 * page_graph.h
 *	  Writes the graph and the revisions' scripts on an HTML page.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PAGE_GRAPH_H
#define CMIG_PAGE_GRAPH_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "picture/picture.h"

/* Returns the number of lanes in a picture, at least 1. */
extern int	cmig_page_graph_width(const CmigPicture *picture);

/* CmigPageContent callback: append the graph.  "arg" is a CmigPicture *. */
extern void cmig_page_graph(StringInfo page, void *arg);

#endif							/* CMIG_PAGE_GRAPH_H */
